"""What the state holds of remote machines and of the search for them. Facts only; secrets are never here."""

from __future__ import annotations

from dataclasses import dataclass

from engine.llama_cpp.dialects import Dialect
from engine.vocabulary.found import FoundMachine
from engine.vocabulary.machine import MachineId
from engine.vocabulary.remote import Question, RemoteLook, RemotePhase, SshTarget
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import CacheBeforeLoad, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSeen:
    """One machine that the person added, as last seen."""

    target: SshTarget
    phase: RemotePhase = RemotePhase.CONNECTING
    question: Question | None = None
    """Set while ``phase`` is ``ASKING``."""
    problem: Problem | None = None
    """Why it is unreachable or refused, or what went wrong last."""
    look: RemoteLook | None = None
    """What the last look found; kept when the connection is lost, so that its card does not go blank."""
    dialect: Dialect | None = None
    """What the rpc-server of ``look.usable`` takes."""
    link: Link | None = None
    """Measured over the connection."""
    link_measured_at_seconds: float | None = None
    """When, of a monotonic clock; ``None`` = not measured."""
    looked_for_runtime: str | None = None
    """Id of the coordinator's runtime that the look compared with."""

    @property
    def id(self) -> MachineId:
        """The machine's id."""
        return self.target.machine_id

    @property
    def name(self) -> str:
        """For people: its own name once it was looked at, else how it was addressed."""
        return self.look.machine.name if self.look else self.target.text

    def takes_part(self, runtime: Runtime | None) -> bool:
        """Whether its workers may be planned with: its build was compared with this very one of the coordinator."""
        return self.phase is RemotePhase.READY and runtime is not None and self.looked_for_runtime == runtime.id


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSeen:
    """The search of the network."""

    running: bool = False
    fraction: float | None = None
    detail: str = ""
    found: tuple[FoundMachine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProgram:
    """With what a machine's rpc-servers are started in one run."""

    rpc_server: str
    dialect: Dialect
    cache_folder: str
    """``LLAMA_CACHE``; absolute, on that machine."""
    cache: CacheBeforeLoad = CacheBeforeLoad()  # noqa: RUF009 - frozen
    """As it was before the launch."""
    keeps_cache: bool = True
    """Whether it may be used, and its disk has room for what it is about to be sent."""
