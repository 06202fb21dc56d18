"""``tr``: a message in the chosen language, with values put in. English until another language is taken up.

A message is one whole sentence or label with ``{named}`` places, never halves that are glued: other languages order them
differently. Words that are kept in a table before a language is chosen are only marked there (``mark``) and translated where
they are shown.
Rejected: contexts for English words that mean two things (there is none yet; a second English wording is clearer anyway).
"""

from __future__ import annotations

from gui.texts.language import ENGLISH, Words

_taken_up: list[Words] = [ENGLISH]


def take_up(words: Words) -> None:
    """Speak this language from now on. Before the window is made: what is already shown is not said again."""
    _taken_up[0] = words


def tr(message: str, /, **values: object) -> str:
    """The message in the chosen language."""
    said = _taken_up[0].messages.get(message, message)
    return said.format_map(values) if values else said


def tr_n(one: str, many: str, n: int, /, **values: object) -> str:
    """One or several: ``{n}`` is how many."""
    single, several = _taken_up[0].plurals.get(one, (one, many))
    return (single if n == 1 else several).format_map({"n": n, **values})


def mark(message: str) -> str:
    """English, to be translated with ``tr`` where it is shown."""
    return message


def mark_n(one: str, many: str) -> tuple[str, str]:
    """The same for one and several, for ``tr_n``."""
    return one, many


def number(value: float, how: str) -> str:
    """A figure for people, ``how`` as ``format`` takes it: ``1,240.5``, in German ``1.240,5``. Not for what is copied into
    commands and files."""
    written = format(value, how)
    return written if _taken_up[0].marks is None else written.translate(_taken_up[0].marks)


def inside_sentence(title: str) -> str:
    """A title as it stands inside a sentence: in English its first letter is small, where nouns are capital it stays."""
    return title[:1].lower() + title[1:] if _taken_up[0].small_titles else title
