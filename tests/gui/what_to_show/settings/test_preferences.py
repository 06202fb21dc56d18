"""Preferences: kept as words, read back, and damaged words do no harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.what_to_show.settings.preferences import Language, Preferences, Scheme, as_words, next_scale, preferences_from

EVERYTHING = Preferences(
    scheme=Scheme.HIGH_CONTRAST,
    text_scale=1.5,
    language=Language.GERMAN,
    ask_at_quit=False,
    tray=True,
    notify=False,
    menu_bar=False,
)


@pytest.mark.parametrize("preferences", [Preferences(), EVERYTHING])
def test_what_is_kept_is_read_back(preferences: Preferences) -> None:
    assert preferences_from(as_words(preferences)) == preferences


def test_the_tray_is_on_by_default_only_where_there_is_one() -> None:
    assert not preferences_from({}).tray
    assert preferences_from({}, tray_available=True).tray
    assert not preferences_from({"tray": "false"}, tray_available=True).tray


@given(st.dictionaries(st.sampled_from(list(as_words(Preferences()))), st.text(max_size=8)))
def test_no_words_do_harm(words: dict[str, str]) -> None:
    read = preferences_from(words)
    assert 1.0 <= read.text_scale <= 2.0


@pytest.mark.parametrize(
    ("now", "steps", "then"), [(1.0, 1, 1.25), (1.0, -1, 1.0), (2.0, 1, 2.0), (1.45, 1, 1.75), (1.75, -1, 1.5)]
)
def test_text_grows_in_steps(now: float, steps: int, then: float) -> None:
    assert next_scale(now, steps) == then
