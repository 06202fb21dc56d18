"""Programs that were left running on another machine, as that machine lists them. What it says is checked first."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec

from engine.errors import ProbeFailed, ProbeTimedOut
from engine.remote_ports import RemoteShell
from engine.ssh.leashed.keep_programs import list_order
from engine.ssh.leashed.leash_programs import PYTHON_COMMAND
from engine.vocabulary.remote import KeptProcess
from engine.vocabulary.running.process import ProcessId

_LIST_SECONDS = 20.0
_MOST_BYTES = 1024 * 1024
_LONGEST_WORD = 4096
"""Of a command line: no path is longer."""
_NAME = re.compile(r"[0-9a-f]{16}")


def kept_processes(shell: RemoteShell, data_folder: str) -> tuple[KeptProcess, ...]:
    """Those of the user that we are logged in as. Raises ``ProbeFailed`` for nonsense, ``MachineUnreachable``."""
    output = shell.run(
        PYTHON_COMMAND, stdin=list_order(data_folder), timeout_seconds=_LIST_SECONDS, max_output_bytes=_MOST_BYTES
    )
    if output.timed_out:
        happened = f"{shell.target.text} did not say within {_LIST_SECONDS:.0f} s what was left running there."
        raise ProbeTimedOut(happened, advice="It may be overloaded.")
    line = output.stdout.strip().rpartition(b"\n")[2]  # a login shell may have greeted
    try:
        kept = msgspec.json.decode(line, type=tuple[KeptProcess, ...])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProbeFailed(
            f"What {shell.target.text} says of programs that were left running makes no sense.", details=str(error)
        ) from error
    return tuple(_shown_clean(process) for process in kept if _NAME.fullmatch(process.name) and process.pid > 1)


def _shown_clean(process: KeptProcess) -> KeptProcess:
    """Without control characters: it is shown to people."""
    return replace(
        process,
        process_id=ProcessId(_printable(process.process_id)),
        argv=tuple(_printable(word) for word in process.argv),
        started_by=_printable(process.started_by),
    )


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:_LONGEST_WORD])
