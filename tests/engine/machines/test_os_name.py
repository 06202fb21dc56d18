from __future__ import annotations

import pytest

from engine.machines.os_name import pretty_name, read_os_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"),
        ("PRETTY_NAME=Alpine\n", "Alpine"),
        ("PRETTY_NAME='a \\ b'", "a \\ b"),
        ('PRETTY_NAME="not closed', None),
        ('PRETTY_NAME=""', None),
        ("NAME=x", None),
    ],
)
def test_the_name_in_os_release(text: str, expected: str | None) -> None:
    assert pretty_name(text) == expected


def test_this_machine_has_a_name() -> None:
    assert read_os_name()
