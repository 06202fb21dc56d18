"""Tells what a leash says from what its program prints: both come on one stream. Pure: bytes in, pieces out.

A leash's words go from a nonce, which the program does not know, to the line end: also in the middle of a program's line,
which is whole again without them. What comes before the leash's first word is the machine's own (a greeting of the login
shell) and is dropped, but for what an error may quote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST_WORDS_BYTES = 512
_KEPT_GREETING_BYTES = 4096
_LAST_SIGNAL = 64
_STARTED = re.compile(rb"started ([1-9]\d{0,9}) ([1-9]\d{0,9}) ([1-9]\d{0,9})")
_ENDED = re.compile(rb"ended (-?\d{1,3})( memory)?")
_FAILED = re.compile(rb"failed ([a-z-]{1,20})(?: ([ -~]{0,200}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The program runs (or is about to: see ``CouldNotStart``)."""

    pid: int
    group: int
    """Its process group."""
    leash: int
    """The process that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldNotStart:
    """The system refused it."""

    reason: str
    """``missing``, ``no-folder``, ``not-allowed``, ``wrong-kind``, ``no-loader``, ``other``."""
    words: str
    """The system's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The program has ended; nothing follows."""

    code: int
    """Negative = killed by that signal."""
    for_memory: bool = False
    """Killed by the system for want of memory."""


Piece = bytes | Started | CouldNotStart | Ended


class LeashOutput:
    """Splits one stream."""

    def __init__(self, nonce: str, *, shell_codes: bool = False) -> None:
        """``shell_codes``: the leash is a shell, which says 128 + N for "killed by signal N"."""
        self._shell_codes = shell_codes
        self._mark = nonce.encode() + b" "
        self._rest = b""
        self._begun = False
        self._greeting = b""

    @property
    def greeting(self) -> str:
        """What the machine said before the leash did, the last 4 KiB of it."""
        return (self._greeting + (b"" if self._begun else self._rest)).decode("utf-8", errors="replace")

    def feed(self, chunk: bytes) -> list[Piece]:
        """The pieces that ``chunk`` completes."""
        self._rest += chunk
        pieces: list[Piece] = []
        while (at := self._rest.find(self._mark)) >= 0:
            end = self._rest.find(b"\n", at)
            if end < 0 and len(self._rest) - at <= _LONGEST_WORDS_BYTES:
                break
            self._print(self._rest[:at], pieces)
            words = self._rest[at + len(self._mark) : end]
            self._rest = self._rest[end + 1 :] if end >= 0 else b""
            self._hear(words, pieces)
        else:
            at = len(self._rest) - self._length_held_back()
            self._print(self._rest[:at], pieces)
            self._rest = self._rest[at:]
        return pieces

    def finish(self) -> list[Piece]:
        """What was held back when the stream ended."""
        pieces: list[Piece] = []
        self._print(self._rest, pieces)
        self._rest = b""
        return pieces

    def _print(self, output: bytes, pieces: list[Piece]) -> None:
        if not output:
            return
        if self._begun:
            pieces.append(output)
        else:
            self._greeting = (self._greeting + output)[-_KEPT_GREETING_BYTES:]

    def _hear(self, words: bytes, pieces: list[Piece]) -> None:
        if words == b"begin":
            self._begun = True
        elif found := _STARTED.fullmatch(words):
            pid, group, leash = (int(number) for number in found.groups())
            pieces.append(Started(pid=pid, group=group, leash=leash))
        elif found := _ENDED.fullmatch(words):
            pieces.append(Ended(code=self._code(int(found[1])), for_memory=found[2] is not None))
        elif found := _FAILED.fullmatch(words):
            pieces.append(CouldNotStart(reason=found[1].decode(), words=(found[2] or b"").decode()))

    def _code(self, told: int) -> int:
        return 128 - told if self._shell_codes and 128 < told <= 128 + _LAST_SIGNAL else told

    def _length_held_back(self) -> int:
        """How much at the end may be the beginning of a mark."""
        longest = min(len(self._rest), len(self._mark) - 1)
        return next((length for length in range(longest, 0, -1) if self._mark.startswith(self._rest[-length:])), 0)
