"""What can happen with remote machines, as past-tense facts (see ``events``)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.llama_cpp.dialects import Dialect
from engine.vocabulary.found import FoundMachine
from engine.vocabulary.machine import MachineId
from engine.vocabulary.remote import Question, RemoteLook, RemotePhase, SshTarget
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.worker import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTurned:
    """A remote machine entered a phase, with the question or the problem that belongs to it."""

    target: SshTarget
    phase: RemotePhase
    question: Question | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLooked:
    """A remote machine was looked at. Without ``look.usable`` it needs llama.cpp first."""

    target: SshTarget
    look: RemoteLook
    dialect: Dialect | None
    looked_for_runtime: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMeasured:
    """How fast a machine is reached."""

    target: SshTarget
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineForgotten:
    """The person took it off the list, and we let go of it."""

    target: SshTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingProgressed:
    """The search of the network began, got further, found more or ended."""

    running: bool
    fraction: float | None = None
    detail: str = ""
    found: tuple[FoundMachine, ...] | None = None
    """``None`` = as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelCarried:
    """What went to a machine through its tunnel since it was opened."""

    machine_id: MachineId
    sent_bytes: int


RemoteEvent = MachineTurned | RemoteLooked | LinkMeasured | MachineForgotten | FindingProgressed | TunnelCarried
