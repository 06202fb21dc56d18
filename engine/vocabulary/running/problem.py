"""A problem: something a person should know, with what happened and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary.running.fault import Fault


class ProblemKind(StrEnum):
    """What sort of thing went wrong; the window picks icon and place by it."""

    RUNTIME = "runtime"
    MODEL = "model"
    WORKER = "worker"
    COORDINATOR = "coordinator"
    LAYER_MAP = "layer map"
    MACHINE = "machine"
    CLUSTER_FILE = "cluster file"
    BUG = "bug"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault, in words."""

    kind: ProblemKind
    where: str
    """The machine, worker or file concerned."""
    happened: str
    advice: str = ""
    details: str = ""
    """Last lines of output, the command; for the expander, not for the headline."""
    fault: Fault | None = None
    """What broke, for recovery; ``None`` where nothing that ran did."""
