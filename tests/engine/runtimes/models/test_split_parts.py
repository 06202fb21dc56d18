"""Which names are offered."""

import pytest

from engine.runtimes.models.split_parts import is_to_be_listed, part_name


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("m.gguf", True),
        ("m-00001-of-00003.gguf", True),
        ("m-00002-of-00003.gguf", False),
        ("mmproj-m.gguf", False),
        ("MMPROJ-m.gguf", False),
        ("ggml-vocab-llama.gguf", False),
    ],
)
def test_names(name: str, listed: bool) -> None:
    assert is_to_be_listed(name) is listed


def test_a_part() -> None:
    assert part_name("m", 2, 3) == "m-00002-of-00003.gguf"
