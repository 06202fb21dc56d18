"""Manual pages and shell completions, made from the programs' own command lines: they cannot say anything else.

By ``argparse-manpage`` and ``shtab`` (both made for this, kept up, small, and needed only while packing). Rejected:
``argcomplete`` (it starts the program at every Tab: 0.4 s) and pages written by hand (they go stale with the next option).

    python packaging/parts/made_documentation.py FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FILES = frozenset({"MODEL", "FILE", "RUN.JSON"})
_FOLDERS = frozenset({"FOLDER"})
COMPLETIONS = {"bash": "{program}.bash", "zsh": "_{program}", "fish": "{program}.fish"}


def make_documentation(folder: Path, epoch: int) -> list[Path]:
    """``man/PROGRAM.1.gz`` and ``completions/...`` for both programs, below ``folder``. Returns what was made. ``epoch``: the
    pages' date, seconds since 1970."""
    made = []
    for name, parser in parsers().items():
        made.append(_written(folder / "man" / f"{name}.1.gz", packed(manual_page(name, parser, epoch))))
        for shell, file in COMPLETIONS.items():
            text = completion(parser, shell).encode()
            made.append(_written(folder / "completions" / file.format(program=name), text))
    return made


def parsers() -> dict[str, argparse.ArgumentParser]:
    """By program."""
    sys.path.insert(0, str(ROOT))
    from engine.cli.main import parser
    from gui.__main__ import parser as window_parser

    return {"crossplyctl": parser(), "crossply": window_parser()}


def manual_page(name: str, parser: argparse.ArgumentParser, epoch: int) -> str:
    """In groff's words."""
    from argparse_manpage.manpage import Manpage

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = {
        "project_name": "crossply",
        "version": project["version"],
        "description": project["description"][0].lower() + project["description"][1:],
        "manual_title": "Crossply",
        "manual_section": 1,
        "date": time.strftime("%Y-%m-%d", time.gmtime(epoch)),
    }
    parser.prog = name
    return str(Manpage(parser, format="pretty", _data=about)).rstrip() + "\n"


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


def packed(text: str) -> bytes:
    """Without a name and a time in it: the same bytes for the same text."""
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    found = []
    for action in parser._actions:
        found.append(action)
        if isinstance(action, argparse._SubParsersAction):
            for below in dict.fromkeys(action.choices.values()):
                found += _actions(below)
    return found


def _written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    for one in make_documentation(Path(sys.argv[1]), int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))):
        print(one)
