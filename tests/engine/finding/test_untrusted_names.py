"""Names that others give themselves, on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.finding.untrusted_names import LONGEST_NAME, clean_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("gpu1.local.", "gpu1.local"),
        ("  Ada's  Mac ", "Ada's Mac"),
        ("evil\x1b[2Jname", "evil[2Jname"),
        ("a\nb\r\tc\x00", "abc"),
        ("ri\u202eght", "right"),
        ("Büro-Rechner", "Büro-Rechner"),
        ("", None),
        ("\x1b\x07", None),
        ("...", None),
        ("x" * 5000, "x" * LONGEST_NAME),
    ],
)
def test_only_what_can_be_shown_is_left(text, name):
    assert clean_name(text) == name


@given(st.text())
def test_whatever_it_is_it_is_one_short_printable_line(text):
    name = clean_name(text)
    assert name is None or (name.isprintable() and 0 < len(name) <= LONGEST_NAME)
