"""``tr`` and its kin, in English and in another language."""

from __future__ import annotations

import pytest

from gui.texts.language import ENGLISH, GERMAN_MARKS, Words
from gui.texts.translation import inside_sentence, mark, mark_n, number, take_up, tr, tr_n

SOME_GERMAN = Words(
    messages={"Launch": "Starten", "{n} of {all} ready": "von {all} sind {n} bereit"},
    plurals={"{n} layer": ("{n} Schicht", "{n} Schichten")},
    marks=GERMAN_MARKS,
    small_titles=False,
)


@pytest.fixture
def german():
    take_up(SOME_GERMAN)
    yield
    take_up(ENGLISH)


def test_english_is_what_is_written():
    assert tr("Launch") == "Launch"
    assert tr("{n} of {all} ready", n=2, all=3) == "2 of 3 ready"
    assert [tr_n("{n} layer", "{n} layers", n) for n in (0, 1, 2)] == ["0 layers", "1 layer", "2 layers"]
    assert number(1240.5, ",.1f") == "1,240.5"
    assert inside_sentence("Text size") == "text size"


def test_another_language_orders_values_its_own_way(german):
    assert tr("Launch") == "Starten"
    assert tr("{n} of {all} ready", n=2, all=3) == "von 3 sind 2 bereit"
    assert [tr_n("{n} layer", "{n} layers", n) for n in (0, 1, 2)] == ["0 Schichten", "1 Schicht", "2 Schichten"]
    assert number(1240.5, ",.1f") == "1.240,5"
    assert inside_sentence("Textgröße") == "Textgröße"


def test_what_is_not_translated_is_said_in_english(german):
    assert tr("{n} left", n=1) == "1 left"
    assert tr_n("{n} slot", "{n} slots", 2) == "2 slots"


def test_values_are_put_in_as_they_are():
    assert tr("{words}", words="{not} a place") == "{not} a place"
    assert tr("{braces} without values") == "{braces} without values"


def test_marked_words_stay_english_until_they_are_shown(german):
    assert mark("Launch") == "Launch"
    assert mark_n("{n} layer", "{n} layers") == ("{n} layer", "{n} layers")
