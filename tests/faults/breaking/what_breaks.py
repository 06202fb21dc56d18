"""The fault matrix as data: what can break, when, and what must then be said. One table; trials, page and tests read it."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.beds.bed import Bed
from tests.faults.breaking import break_it
from tests.faults.breaking.break_it import Broken

Break = Callable[[Bed, random.Random, ExitStack], Broken]


class Phase(StrEnum):
    """What the run is doing when something breaks."""

    IDLE = "idle"
    LOADING = "loading"
    PREFILL = "prefill"
    DECODE = "decode"


class BedKind(StrEnum):
    """Where it breaks."""

    ONE_MACHINE = "one machine"
    THREE_HOSTS = "three machines"
    ONLY_HOST = "one machine over ssh, no other"


class Expected(StrEnum):
    """How it must end."""

    SERVICE = "in service again, or a refusal that says what is missing"
    REFUSAL = "a refusal that says what is missing"
    UNDISTURBED = "nothing is disturbed"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One row of the matrix."""

    name: str
    bed: BedKind
    break_it: Break
    words: str
    """A regular expression: the ways in which the cause may be named."""
    phases: tuple[Phase, ...] = tuple(Phase)
    is_kill: bool = False
    """One of the 100 kill trials."""
    is_silent: bool = False
    """Nobody says that it happened: it shows by what is missing."""
    expected: Expected = Expected.SERVICE

    @property
    def detection_limit_seconds(self) -> float:
        """2 for what the system tells, 10 for silence."""
        return SILENT_LIMIT_SECONDS if self.is_silent else TOLD_LIMIT_SECONDS


TOLD_LIMIT_SECONDS, SILENT_LIMIT_SECONDS = 2.0, 10.0
SERVICE_SLACK_SECONDS = 5.0
"""In service again within the time of a load and this."""

_KILLED = r"SIGKILL|signal 9|[Kk]illed"
_CUT = r"tunnel|connection|ssh"
_SILENT = r"silent|no answer|not answer|says nothing|nothing was heard|lost|unreachable|not reach|connection|no sign"
_BUSY = (Phase.LOADING, Phase.PREFILL)

TABLE: tuple[Cause, ...] = (
    Cause(name="worker: kill -9", bed=BedKind.ONE_MACHINE, break_it=break_it.kill_worker, words=_KILLED, is_kill=True),
    Cause(
        name="llama-server: kill -9", bed=BedKind.ONE_MACHINE, break_it=break_it.kill_coordinator, words=_KILLED, is_kill=True
    ),
    Cause(
        name="llama-server: abort (134)",
        bed=BedKind.ONE_MACHINE,
        break_it=break_it.abort_coordinator,
        words=r"SIGABRT|abort|134|signal 6",
    ),
    Cause(name="remote worker: kill -9", bed=BedKind.THREE_HOSTS, break_it=break_it.kill_worker, words=_KILLED, is_kill=True),
    Cause(name="sshd: kill -9", bed=BedKind.THREE_HOSTS, break_it=break_it.kill_sshd, words=_CUT, is_kill=True),
    Cause(name="tunnel: kill -9", bed=BedKind.THREE_HOSTS, break_it=break_it.kill_tunnel, words=_CUT, is_kill=True),
    Cause(
        name="worker: stopped (SIGSTOP)",
        bed=BedKind.ONE_MACHINE,
        break_it=break_it.stop_worker,
        words=r"no progress|hang|not answer|no answer|stopped|silent",
        is_silent=True,
    ),
    Cause(
        name="worker: out of memory",
        bed=BedKind.ONE_MACHINE,
        break_it=break_it.run_out_of_memory,
        words=r"memory",
        phases=_BUSY,
    ),
    Cause(
        name="worker killed, its port taken by a stranger",
        bed=BedKind.ONE_MACHINE,
        break_it=break_it.kill_worker_and_take_its_port,
        words=_KILLED,
        phases=(Phase.IDLE, Phase.DECODE),
    ),
    Cause(name="cable out", bed=BedKind.THREE_HOSTS, break_it=break_it.pull_the_cable, words=_SILENT, is_silent=True),
    Cause(
        name="machine rebooted",
        bed=BedKind.THREE_HOSTS,
        break_it=break_it.reboot,
        words=_SILENT,
        is_silent=True,
        phases=(Phase.IDLE, Phase.DECODE),
    ),
    Cause(
        name="disk of the worker's cache full",
        bed=BedKind.THREE_HOSTS,
        break_it=break_it.fill_the_disk,
        words=r"disk|space",
        phases=(Phase.LOADING, Phase.IDLE),
        expected=Expected.UNDISTURBED,
    ),
    Cause(
        name="cable out of the only machine",
        bed=BedKind.ONLY_HOST,
        break_it=break_it.pull_the_cable,
        words=_SILENT,
        is_silent=True,
        phases=(Phase.IDLE, Phase.DECODE),
        expected=Expected.REFUSAL,
    ),
)
