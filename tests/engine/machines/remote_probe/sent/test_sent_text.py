from __future__ import annotations

import pytest

from engine.machines.remote_probe.sent.sent_text import (
    SenselessError,
    absolute_path,
    count_of_list,
    honest_name,
    optional_number,
    shown,
    whole_number,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\x1b[2Jb", "a [2Jb"),
        ("a\u202eb\u200bc", "a b c"),
        ("  a \n\t b ", "a b"),
        ("x" * 999, "x" * 200),
    ],
)
def test_what_is_shown_is_one_visible_line(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize("text", ["", "a\nb", "a\u202eb", "a" * 201, " a"])
def test_a_name_that_hides_something_is_refused(text):
    with pytest.raises(SenselessError, match="its name is empty, far too long or has invisible characters in it"):
        honest_name(text, "its name")


def test_an_honest_name_stays_as_it_is():
    assert honest_name("gpu-node.example", "its name") == "gpu-node.example"
    assert honest_name("größe", "its name") == "größe"


@pytest.mark.parametrize("text", ["", "a/b", "/a/../b", "/a\nb", "/a\ufffd", "/" + "a" * 2000])
def test_paths_that_cannot_be_used(text):
    with pytest.raises(SenselessError):
        absolute_path(text, "the home folder")


def test_a_path_with_spaces_and_quotes_is_a_path():
    assert absolute_path("/home/a b/'x'", "the home folder") == "/home/a b/'x'"


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e9", "NaN", "9" * 30, "٣", "0x10"])
def test_numbers_that_are_none(text):
    with pytest.raises(SenselessError):
        whole_number(text, "a number")


def test_numbers():
    assert whole_number(" 42\n", "a number") == 42
    assert optional_number(None, "a number") is None
    assert optional_number("0", "a number") == 0
    with pytest.raises(SenselessError):
        whole_number("11", "a number", 10)


@pytest.mark.parametrize(("text", "expected"), [("0-3,8\n", 5), ("0", 1), ("", None), ("5-3", None)])
def test_lists_of_processors(text, expected):
    assert count_of_list(text, "its list") == expected
