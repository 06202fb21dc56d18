"""Mnemonics are unique in every menu."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gui.what_to_show.actions.mnemonics import with_mnemonics, without_mnemonic


def letter(marked: str) -> str:
    plain = marked.replace("&&", "\0")
    return plain[plain.index("&") + 1].casefold() if "&" in plain else ""


def test_initial_letters_first_then_any() -> None:
    words = {"a": "Open", "b": "Options", "c": "Open", "d": "oo"}
    assert with_mnemonics(words, [list(words)]) == {"a": "&Open", "b": "O&ptions", "c": "Op&en", "d": "oo"}


def test_an_entry_of_two_menus_has_a_letter_that_is_free_in_both() -> None:
    marked = with_mnemonics({"a": "Copy", "b": "Close", "c": "Cut"}, [["a", "b"], ["b", "c"]])
    assert marked == {"a": "&Copy", "b": "C&lose", "c": "&Cut"}


def test_an_ampersand_of_the_words_stays_one() -> None:
    marked = with_mnemonics({"a": "& Search & find"}, [["a"]])["a"]
    assert marked == "&& &Search && find"
    assert without_mnemonic(marked) == "& Search & find"


@given(st.lists(st.text(max_size=12), max_size=30))
def test_never_the_same_letter_twice(texts: list[str]) -> None:
    words = {str(place): text for place, text in enumerate(texts)}
    marked = with_mnemonics(words, [list(words)])
    letters = [letter(text) for text in marked.values() if letter(text)]
    assert len(letters) == len(set(letters))
    assert [without_mnemonic(text) for text in marked.values()] == [text.replace("\0", "&") for text in texts]
