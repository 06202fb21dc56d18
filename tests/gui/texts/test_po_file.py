"""Reading a catalogue."""

from __future__ import annotations

import pytest

from gui.texts.language import ENGLISH
from gui.texts.po_file import BadCatalogue, read_po

HEADER = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n'


def read(text):
    return read_po(HEADER + "\n" + text, ENGLISH)


def test_a_message():
    assert read('msgid "Launch"\nmsgstr "Starten"\n').messages == {"Launch": "Starten"}


def test_lines_and_escapes():
    words = read('msgid ""\n"Say \\"a\\"\\n"\n"and b\\\\"\nmsgstr ""\n"Sag \\"a\\"\\n"\n"und b\\\\"\n')
    assert words.messages == {'Say "a"\nand b\\': 'Sag "a"\nund b\\'}


def test_plurals():
    text = 'msgid "{n} layer"\nmsgid_plural "{n} layers"\nmsgstr[0] "{n} Schicht"\nmsgstr[1] "{n} Schichten"\n'
    words = read(text)
    assert words.plurals == {"{n} layer": ("{n} Schicht", "{n} Schichten")}
    assert words.messages == {}


def test_comments_fuzzy_obsolete_and_untranslated():
    text = (
        '#: gui/a.py\n#, python-brace-format\nmsgid "a {n}"\nmsgstr "A {n}"\n\n'
        '#, fuzzy\nmsgid "b"\nmsgstr "B?"\n\n'
        '#~ msgid "old"\n#~ msgstr "alt"\n\n'
        'msgid "c"\nmsgstr ""\n\nmsgid "d"\nmsgstr "D"\n'
    )
    assert read(text).messages == {"a {n}": "A {n}", "d": "D"}


def test_entries_without_a_line_between():
    assert read('msgid "a"\nmsgstr "A"\nmsgid "b"\nmsgstr "B"').messages == {"a": "A", "b": "B"}


@pytest.mark.parametrize("line", ["msgid Launch", '"text of nothing"', 'msgwhat "a"', 'msgid "a" "b"'])
def test_a_line_that_is_none(line):
    with pytest.raises(BadCatalogue, match="line 1"):
        read_po(line + "\n", ENGLISH)
