"""No words for people escape translation: every literal of the window's code is in ``tr``, or an exception with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gui.texts.exceptions import LITERALS, WHOLE_FILES
from tests.gui.texts.literals import escaped

ROOT = Path(__file__).parents[3]
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "gui").rglob("*.py"))


@pytest.mark.parametrize("name", [name for name in FILES if name not in WHOLE_FILES])
def test_no_literal_escapes(name):
    found = [f"{name}:{literal.line}: {literal.text!r}" for literal in escaped(ROOT / name, frozenset(LITERALS))]
    assert found == [], "put these into tr(), tr_n() or mark() of gui.texts.translation, or give a reason in exceptions.py"


def test_every_exception_is_still_needed():
    texts = {literal.text for name in FILES for literal in escaped(ROOT / name, frozenset())}
    assert sorted(set(LITERALS) - texts) == [], "nothing needs these exceptions any more"
    assert sorted(set(WHOLE_FILES) - set(FILES)) == []


@pytest.mark.parametrize(
    "code",
    [
        'label.setText("Launch")',
        'label.setText("ready")',
        'QLabel("What each worker is worth")',
        'return "Nothing is running."',
        'Content(words=f"{n} of {all} left")',
        'Content(empty="" if rows else "Every launch is kept here.")',
        'Content(badge="off")',
        'WORDS = "Turns the machines of a lab into one host."',
        'TABLE = {1: ("Fastest", 2)}',
        'line = f"{done} of the weights"',
        'def f(words="No plan fits"): pass',
    ],
)
def test_the_rule_finds_words(tmp_path, code):
    file = tmp_path / "some.py"
    file.write_text(code if code.startswith(("def", "WORDS", "TABLE")) else f"def f():\n    {code}\n", encoding="utf-8")
    assert len(escaped(file, frozenset())) == 1


@pytest.mark.parametrize(
    "code",
    [
        'label.setText(tr("Launch"))',
        'label.setText(tr("{n} left", n=left))',
        'WORDS = mark("Turns the machines of a lab into one host.")',
        'label.setObjectName("Muted label")',
        'logger.warning("icon %s is missing", file)',
        'raise ValueError("No such row")',
        'size = f"{n} GB"',
        'separator = " · "',
        'role = "muted"',
        'Action(key="open-model", shortcuts=("Ctrl+O",))',
        'command = f"curl {url}/health"',
        'if state == "Not running": pass',
    ],
)
def test_the_rule_leaves_alone(tmp_path, code):
    file = tmp_path / "some.py"
    file.write_text(f'def f():\n    """A docstring of words."""\n    {code}\n', encoding="utf-8")
    assert escaped(file, frozenset()) == []
