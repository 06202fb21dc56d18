"""The truth about hybrid: the same model planned in four ways, and what every worker is worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.worker import WorkerId


class Approach(StrEnum):
    """A way to use the machines; the values are for people."""

    TRADITIONAL = "traditional"
    """One worker per machine: its largest GPU, else its CPU; the fastest split over them."""
    HYBRID = "hybrid (all workers)"
    """Every CPU and GPU holds at least one layer."""
    LLAMA_CPP = "llama.cpp's default split"
    """All workers in listed order, in proportion to free memory, the output head counted as a layer."""
    FASTEST = "fastest"
    """The fastest split over any of the workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """One approach."""

    approach: Approach
    result: Plan | PlanRefused
    usable_bytes: int
    """Safe memory of all workers that it may use, the coordinator's own need taken off; memory that two share counts once."""
    largest_context_tokens: int | None
    """Over all slots, at most what the model was trained for; ``None`` = it does not fit at all."""
    measured_decode_tokens_per_second: float | None = None
    """Median of the runs in the history under exactly this split and shape."""
    measured_prefill_tokens_per_second: float | None = None
    n_runs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerWorth:
    """What one worker does for the fastest plan."""

    worker_id: WorkerId
    used: bool
    adds_bytes: int
    gains_tokens_per_second: float | None
    """Decode with it less decode without it; negative = it would cost that. ``None`` = not known, or nothing fits without."""
    needed: bool
    """Without it the model does not fit."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All of it, for one model and one shape."""

    rows: tuple[ComparisonRow, ...]
    workers: tuple[WorkerWorth, ...]

    def row(self, approach: Approach) -> ComparisonRow:
        """The row of an approach."""
        return next(row for row in self.rows if row.approach is approach)
