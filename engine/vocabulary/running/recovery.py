"""Recovery: what became of a run that broke, and what it took to bring it back. Facts only; ``session.recovering`` decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.fault import Fault
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.worker import WorkerId


class RecoveryMode(StrEnum):
    """What happens when a run breaks."""

    ASK = "ask"
    """It is stopped, and nothing more until the person answers."""
    AUTOMATIC = "automatic"
    """It is started again on what is left."""
    NEVER = "never"
    """It has ended."""


class RecoveryStep(StrEnum):
    """Where a recovery is."""

    NONE = "none"
    STOPPING = "stopping"
    """What is left of the broken run ends."""
    ASKING = "asking"
    WAITING = "waiting"
    """Until ``next_try_at_seconds``, or until somebody says now."""
    STARTING = "starting"
    """It was launched again and does not serve yet."""


class Cure(StrEnum):
    """What is done about a crash that is known. Each once in a run; a larger margin once for every worker."""

    DIRECT_IO = "direct I/O"
    """``--load-mode dio``: some loads hang with mmap over RPC (llama.cpp #19745)."""
    NO_FLASH_ATTENTION = "no flash attention"
    """Some backends lack operations of it, and a worker that is given one aborts (#26384)."""
    SMALLER_UBATCH = "smaller micro-batch"
    """Half of ``-ub``: the compute buffers shrink with it."""
    MORE_MARGIN = "larger margin"
    """More memory is left alone on the device that had none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """One recovery that is over: what it cost."""

    happened: str
    """What broke the run, in words."""
    seconds: float
    """From the fault until it served again."""
    n_workers: int
    n_workers_before: int
    same_plan: bool = False
    """It is the plan that broke: as fast as before."""
    decode_before: float | None = None
    """Tokens per second."""
    before_is_measured: bool = False
    decode_after: float | None = None
    after_is_measured: bool = False
    left_out: tuple[str, ...] = ()
    """Machines and workers, for people."""
    cures: tuple[Cure, ...] = ()
    """That were new this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBefore:
    """The run that broke: what the next one is compared with."""

    plan: Plan
    served: bool
    """Whether it ever answered."""
    timings: RequestTimings | None = None
    """Of the standard request, where it was answered."""
    record_id: str | None = None
    """Under which it is in the history."""
    cures: tuple[Cure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The recovery that goes on, if one does, and what this launch learnt from earlier ones."""

    step: RecoveryStep = RecoveryStep.NONE
    fault: Fault | None = None
    crashed: bool = False
    """A program of llama.cpp ended itself, by a signal that nobody else sends."""
    happened: str = ""
    """The cause, in words."""
    began_at_seconds: float = 0.0
    """When the run broke, of a monotonic clock."""
    attempt: int = 0
    """Starts since it last served well, this one included."""
    next_try_at_seconds: float | None = None
    """While ``WAITING``."""
    missing: str = ""
    """Why nothing fits on what is left; empty while something does."""
    quiet: bool = False
    """Another program took a port first: other ports are taken and nobody is told."""
    before: RunBefore | None = None
    lost: tuple[MachineId, ...] = ()
    """Machines that did not answer; each is used again as soon as it was looked at anew."""
    missed: tuple[MachineId, ...] = ()
    """Machines that a run of this launch had and the one that serves has not: gone back to when they are there again."""
    left_out: tuple[WorkerId, ...] = ()
    """Workers that broke the run again and again, or whose device is gone."""
    cures: tuple[Cure, ...] = ()
    kept_free: tuple[tuple[WorkerId, int], ...] = ()
    """Bytes that are left alone on a device beside the reserve."""
    strikes: tuple[tuple[str, int], ...] = ()
    """How often a worker or a machine was the cause since the run last served well."""
    faults_at_seconds: tuple[float, ...] = ()
    """Of the last minutes, those that were the run's own doing."""
    n_ports_taken: int = 0
    history: tuple[Recovered, ...] = ()
    """Of this launch, the newest last."""
    n_forgotten: int = 0
    """Of the history, those that are too long ago to be kept."""

    @property
    def n_recovered(self) -> int:
        """How often this launch came back."""
        return self.n_forgotten + len(self.history)

    @property
    def goes_on(self) -> bool:
        """Whether the run is broken and not back yet."""
        return self.step is not RecoveryStep.NONE

    @property
    def changes_plan(self) -> bool:
        """Whether the plan is another because of it."""
        return bool(self.lost or self.left_out or self.cures or self.kept_free)
