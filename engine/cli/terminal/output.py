"""How ``crossplyctl`` writes: tables for people, JSON for scripts, sentences on stderr. ``rich`` is used here and in progress.

Whatever is written goes through ``printable`` here: names, paths, errors and answers of others hold what they like, and a
terminal obeys it. With ``--json`` exactly one JSON document goes to stdout, so progress and sentences always go to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import Task, TextColumn
from rich.table import Table
from rich.text import Text

PIPE_COLUMNS = 160
"""Width of a table that goes into a file or a pipe: paths stay whole."""


def stdout_console() -> Console:
    """For tables. Not cached: tests replace ``sys.stdout``."""
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    return Console(file=sys.stdout, highlight=False, soft_wrap=False, width=width)


def stderr_console() -> Console:
    """For progress and for what went wrong."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:  # noqa: ANN401 - whatever json can write
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    sys.stdout.flush()  # ``up`` goes on for hours after it


def print_line(text: str = "") -> None:
    """One line on stdout, never wrapped: command lines must stay copyable."""
    sys.stdout.write(_lines(text) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """One sentence on stderr."""
    sys.stderr.write(_lines(text) + "\n")
    sys.stderr.flush()


def complain(happened: str, advice: str = "") -> None:
    """What went wrong, on stderr."""
    stderr_console().print(Text.assemble(("crossplyctl: ", "bold red"), printable(f"{happened} {advice}")))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A tidy table; columns named in ``right`` hold numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_lines(cell)) for cell in row))
    stdout_console().print(table)


class PlainColumn(TextColumn):
    """What is being done, beside a bar: rich would take ``[link=...]`` for markup."""

    def __init__(self, before: str = "") -> None:
        super().__init__("", markup=False)
        self._before = before

    def render(self, task: Task) -> Text:
        """``rich``'s."""
        return Text(printable(f"{self._before}{task.description}"))


def _lines(text: str) -> str:
    """Line by line, with the spaces in front: what is written is set out by us."""
    return "\n".join("".join(c if c.isprintable() or c == "\t" else " " for c in line) for line in text.split("\n"))


def printable(text: str) -> str:
    """Without control characters: what a machine says of itself must not move the cursor of whoever reads it."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def gigabytes(size: int | None) -> str:
    """``9.6 GB``; decimal, as sold and as the plan's examples count."""
    if size is None:
        return "unknown"
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def rate(tokens_per_second: float | None) -> str:
    """``18.4 tok/s``."""
    return "–" if tokens_per_second is None else f"{tokens_per_second:.1f} tok/s"


def layers_in_words(first: int | None, last: int | None, *, holds_output: bool) -> str:
    """``0-9``, ``10-18 + output``, ``output only``, ``none``."""
    if first is None:
        return "output only" if holds_output else "none"
    span = str(first) if first == last else f"{first}-{last}"
    return f"{span} + output" if holds_output else span
