"""The state letter of a process, as ``/proc/<pid>/stat`` (proc(5)) and ``ps -o stat=`` (ps(1)) print it. Pure.

A process that is stopped or stuck in the system says nothing and ends nothing: everybody who waits for it waits for ever. This
letter is what tells it from one that works.
"""

from __future__ import annotations

import re

from engine.vocabulary.running.process import ProcessCondition

CONDITION_SCRIPT = 'cat "/proc/$1/stat" 2>/dev/null || ps -o stat= -p "$1"'
"""For a POSIX shell: Linux has the file, the others have ``ps``."""

_LETTERS = {
    "T": ProcessCondition.STOPPED,
    "t": ProcessCondition.STOPPED,
    "D": ProcessCondition.STUCK,
    "U": ProcessCondition.STUCK,  # macOS
    "Z": ProcessCondition.GONE,
    "X": ProcessCondition.GONE,
}
_STAT = re.compile(r"\d{1,10} \(.{0,64}\) ([A-Za-z])", re.DOTALL)
_PS = re.compile(r"\s*([A-Za-z])[A-Za-z+<>]{0,8}\s*")


def condition_in(text: str) -> ProcessCondition:
    """What the text says; an empty one is of a process that is not there."""
    if not text.strip():
        return ProcessCondition.GONE
    found = _STAT.match(text) or _PS.fullmatch(text)
    return ProcessCondition.UNKNOWN if found is None else _LETTERS.get(found[1], ProcessCondition.RUNNING)
