"""Shell completions, made from the programs' own command lines: they cannot say anything else.

By ``shtab`` (made for this, kept up, small, and needed only while packing). Rejected: ``argcomplete`` (it starts the program
at every Tab: 0.4 s). Manual pages are written by hand (``packaging/linux/man``; a test holds them against the command line):
the tool that makes them, argparse-manpage, comes as source only, and nothing is installed here that runs code to be built.

    python packaging/parts/made/made_completions.py FOLDER
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_FILES = frozenset({"MODEL", "FILE", "RUN.JSON"})
_FOLDERS = frozenset({"FOLDER"})
NAMES = {"bash": "{program}.bash", "zsh": "_{program}", "fish": "{program}.fish"}


def make_completions(folder: Path) -> list[Path]:
    """For both programs, below ``folder``. Returns what was made."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for program, parser in parsers().items():
        for shell, name in NAMES.items():
            path = folder / name.format(program=program)
            path.write_text(completion(parser, shell), encoding="utf-8")
            made.append(path)
    return made


def parsers() -> dict[str, argparse.ArgumentParser]:
    """By program."""
    sys.path.insert(0, str(ROOT))
    from engine.cli.main import parser
    from gui.__main__ import parser as window_parser

    return {"crossplyctl": parser(), "crossply": window_parser()}


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """A script for ``bash``, ``zsh`` or ``fish``."""
    import shtab

    for action in _actions(parser):
        words = {action.metavar} if isinstance(action.metavar, str) else set()
        if words & _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # shtab's own way to be told
        elif words & _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    found = []
    for action in parser._actions:
        found.append(action)
        if isinstance(action, argparse._SubParsersAction):
            for below in dict.fromkeys(action.choices.values()):
                found += _actions(below)
    return found


if __name__ == "__main__":
    for one in make_completions(Path(sys.argv[1])):
        print(one)
