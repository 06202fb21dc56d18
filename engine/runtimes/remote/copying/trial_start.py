"""Starts a copied rpc-server once, with ``--help``, to see that it runs where it is; and what it lacks when it does not.

That one start shows what no list of requirements tells beforehand: a missing or too old C++ library, a file system from which
nothing may be run, a processor too old. The libraries of the compiler can be lent from this machine, whose loader says where
they are; what cannot be lent (glibc, a driver) is said in the loader's own words.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.errors import ProcessFailed
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell
from engine.runtimes.remote.shell_script import run_script, text_of
from engine.runtimes.run_program import run_to_end

_SECONDS = 20
_USAGE = "Usage:"
_MISSING = re.compile(r"\b(lib(?:gomp|stdc\+\+|gcc_s|atomic)\.so\.\d+): (?:cannot open|version)")
_BODY = """\
cd "$1" || return 0
program=$2 seconds=$3; shift 3
while [ "$#" -gt 1 ]; do ln -sf "$2" "$1" || return 0; shift 2; done
say said; limited "$seconds" "$PWD/$program" --help | head -c 16384"""


def start_once(shell: RemoteShell, program: str, token: CancelToken, *, links: tuple[tuple[str, str], ...] = ()) -> str:
    """What the rpc-server ``program`` (an absolute path there) says to ``--help``. Makes ``links`` (name, target) beside it
    before. Raises ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``."""
    folder, _, name = program.rpartition("/")
    arguments = (folder, name, str(_SECONDS), *(part for link in links for part in link))
    return text_of(run_script(shell, _BODY, arguments, timeout_seconds=_SECONDS + 20.0, token=token), "said")


def has_started(said: str) -> bool:
    """Whether that was the answer of a program that runs."""
    return _USAGE in said


def missing_library(said: str) -> str | None:
    """The compiler's library that the loader did not find, or found too old."""
    match = _MISSING.search(said)
    return match[1] if match else None


def library_here(name: str, program: Path) -> Path | None:
    """The file that this machine's own loader takes for ``name`` when it starts ``program``."""
    try:
        listed = run_to_end(("ldd", str(program)), timeout_seconds=20.0).text
    except ProcessFailed:
        return None
    match = re.search(rf"^\s*{re.escape(name)} => (/\S+) \(", listed, re.MULTILINE)
    return Path(match[1]) if match else None
