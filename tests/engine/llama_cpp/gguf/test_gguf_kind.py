"""The first bytes tell text models from the rest, and nothing in them can hang or crash the list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.llama_cpp.gguf.gguf_kind import PREFIX_BYTES, is_language_model
from tests.fakes.llama_cpp import gguf_bytes as make


def file(*keys: bytes) -> bytes:
    return make.gguf(keys)


@pytest.mark.parametrize(
    ("keys", "offered"),
    [
        ((make.string("general.architecture", "llama"),), True),
        ((make.string("general.architecture", "llama"), make.string("general.type", "model")), True),
        ((make.string("general.type", "mmproj"), make.string("general.architecture", "clip")), False),
        ((make.string("general.architecture", "clip"),), False),
        ((make.string("general.architecture", "llama"), make.string("general.type", "adapter")), False),
        ((make.string("general.architecture", "nomic-bert"),), False),
        ((make.string("general.architecture", "flux"),), False),
        ((make.numbers("x", range(9)), make.number("y", 1), make.string("general.architecture", "clip")), False),
        ((make.array("x", make.STRING, 2, make.text("a") + make.text("b")), make.string("general.type", "imatrix")), False),
        ((), True),
    ],
)
def test_what_it_holds(keys, offered) -> None:
    assert is_language_model(file(*keys)) is offered


def test_what_is_no_gguf_file() -> None:
    for prefix in (b"", b"GGUF", b"<html>" * 100, b"ggjt" + bytes(60)):
        assert not is_language_model(prefix)


def test_keys_beyond_the_first_bytes_hide_nothing() -> None:
    prefix = file(make.array("tokens", make.STRING, 1 << 40, b""), make.string("general.architecture", "clip"))[:PREFIX_BYTES]
    assert is_language_model(prefix)


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(tail: bytes) -> None:
    assert is_language_model(b"GGUF" + tail) in (True, False)
