"""What stands in the tab Logs: whose lines there are, and how one line is written. The bridge pulls the lines themselves.

The time is that of arrival here, so that lines of several machines are in one order even when their clocks differ.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine.cluster.servers import COORDINATOR
from engine.session.logs import LogLine
from engine.session.state import ClusterState
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.process import ProcessPhase

_HERE = "this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSourceContent:
    """One process whose output can be read."""

    process_id: str
    title: str
    machine: str
    label: str
    failed: bool


def log_sources_of(state: ClusterState) -> tuple[LogSourceContent, ...]:
    """Every process of the run, llama-server first: it is read most."""
    own = next((machine.name for machine in state.machines if machine.id == THIS_MACHINE), _HERE)
    ordered = sorted(state.processes, key=lambda process: bool(process.worker_ids) and process.id != COORDINATOR)
    names = {own if process.machine_name == _HERE else process.machine_name for process in ordered}
    found = []
    for process in ordered:
        machine = own if process.machine_name == _HERE else process.machine_name
        where = f"{machine} · " if len(names) > 1 else ""
        found.append(
            LogSourceContent(
                process_id=process.id,
                title=process.title,
                machine=machine,
                label=f"{where}{process.title} · {process.phase.value}",
                failed=process.phase is ProcessPhase.FAILED,
            )
        )
    return tuple(found)


def log_line_text(line: LogLine, source: LogSourceContent | None) -> str:
    """``14:02:11  lab-02 · rpc-server for cuda:0 | text``; without a source only the time, for a single process."""
    at = time.strftime("%H:%M:%S", time.localtime(line.arrived_at_seconds))
    return f"{at}  {line.text}" if source is None else f"{at}  {source.machine} · {source.title} | {line.text}"
