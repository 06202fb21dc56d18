"""Records of workers that a service of this machine offers, so that a Crossply which logs in to this account finds them.

The same form and place as those of programs that were left running (``engine.ssh.leashed.keep_programs``): whoever logs in
sees them on the machine's card with who started them, adopts one whose command line its own launch would have, and may stop
it. Pid *and* start time are told, so a record that a crash left behind is taken for nothing. Linux only (``/proc``).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedWorker:
    """One that runs. ``keeper_pid``: the process whose end means that nobody looks after it any more: ours."""

    process_id: str
    pid: int
    argv: tuple[str, ...]
    keeper_pid: int
    started_by: str


def publish(folder: Path, worker: OfferedWorker) -> str:
    """Write its record; gives the record's name. Raises ``OSError``."""
    name = secrets.token_hex(8)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(
        folder / f"{name}.json",
        {
            "name": name,
            "process_id": worker.process_id,
            "pid": worker.pid,
            "start_ticks": _start_ticks(worker.pid) or 0,
            "group": worker.keeper_pid,
            "keeper_ticks": _start_ticks(worker.keeper_pid),
            "argv": list(worker.argv),
            "started_by": worker.started_by,
        },
    )
    return name


def say_how_it_ended(folder: Path, name: str, exit_code: int | None) -> None:
    """For whoever adopted it. Never fails: the service goes on without."""
    with contextlib.suppress(OSError):
        _write(folder / f"{name}.ended", {"code": 0 if exit_code is None else exit_code})


def withdraw(folder: Path, name: str) -> None:
    """Remove what was written. Never fails."""
    for ending in (".json", ".ended", ".log", ".log.1"):
        with contextlib.suppress(OSError):
            (folder / f"{name}{ending}").unlink()


def _write(path: Path, record: dict[str, object]) -> None:
    temporary = path.with_name(f"{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        json.dump(record, stream)
    temporary.replace(path)


def _start_ticks(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return int(fields[19])
