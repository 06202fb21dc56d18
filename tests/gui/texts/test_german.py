"""The German catalogue: complete, with the same places for values, and nothing that is not said any more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gui.texts.language import ENGLISH
from gui.texts.po_file import read_po
from tests.gui.texts.literals import messages_in

ROOT = Path(__file__).parents[3]
GERMAN = read_po((ROOT / "resources/translations/de.po").read_text(encoding="utf-8"), ENGLISH)
SAID = {message for path in sorted((ROOT / "gui").rglob("*.py")) for message in messages_in(path)}
PAIRS = [(message, german) for message, german in GERMAN.messages.items()]
PAIRS += [(one, german) for one, (german, _) in GERMAN.plurals.items()]
PAIRS += [(one, german) for one, (_, german) in GERMAN.plurals.items()]


def test_every_message_has_a_german_one():
    singles = {message[0] for message in SAID if len(message) == 1}
    plurals = {message[0] for message in SAID if len(message) == 2}
    assert sorted(singles - set(GERMAN.messages)) == []
    assert sorted(plurals - set(GERMAN.plurals)) == []


def test_nothing_is_left_over():
    assert sorted(set(GERMAN.messages) - {message[0] for message in SAID if len(message) == 1}) == []
    assert sorted(set(GERMAN.plurals) - {message[0] for message in SAID if len(message) == 2}) == []


def test_places_for_values_are_the_same():
    places = [[sorted(re.findall(r"{(\w*)}", text)) for text in pair] for pair in PAIRS]
    assert [pair for pair, (english, german) in zip(PAIRS, places, strict=True) if english != german] == []


@pytest.mark.parametrize("shape", [r"^\s*", r"\s*$", r"\n", r"\*\.\w+"], ids=["begins", "ends", "lines", "kinds of files"])
def test_outer_blanks_lines_and_file_patterns_are_the_same(shape):
    assert [pair for pair in PAIRS if re.findall(shape, pair[0]) != re.findall(shape, pair[1])] == []


@pytest.mark.parametrize(
    "wrong",
    [
        r"[\w ]…",
        r"[\d} ]%",
        r"[“”](?=\w)",
        r"Ctrl|Shift\b",
        r"(?<![.:!?] )(?<!^)\b(Sie|Ihnen|Ihre?[nmrs]?)\b",
    ],
    ids=["blank before an ellipsis", "blank before %", "German quotes", "keys as they are labelled", "nobody is addressed"],
)
def test_house_style(wrong):
    """Blanks before an ellipsis and a per cent sign do not break a line."""
    assert [german for _, german in PAIRS if re.search(wrong, german)] == []


def test_plurals_of_a_message_are_said_in_one_way():
    """``tr_n`` finds them by the first form alone."""
    assert len({message[0] for message in SAID if len(message) == 2}) == len({m for m in SAID if len(m) == 2})
