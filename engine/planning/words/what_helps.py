"""Which machines are enough, which worker to add next, and which one helps least: answered by planning with and without.

Every answer is a plan of ``split_layers`` for changed offers, so the same limits hold. Rejected: reckoning a worker's worth
from its share of the present plan: without it the others are filled in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from engine.planning.seats import Budgets, budgets_of
from engine.planning.split_layers import split_layers
from engine.planning.words.refusal import fits
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest
from engine.vocabulary.worker import WorkerId, WorkerOffer

MOST_SETS_TRIED = 400
MOST_SETS_PLANNED = 20
"""Of the smallest sets that fit: of so many the fastest is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one worker changes: predicted tokens per second of the mix that was asked for, with it and without it."""

    worker_id: WorkerId
    with_tokens_per_second: float | None
    """``None`` = there is no plan, or no prediction."""
    without_tokens_per_second: float | None
    fits_with: bool
    fits_without: bool

    @property
    def gain_tokens_per_second(self) -> float:
        """With less without; where only one of the two fits, the whole rate (infinite when that is not known)."""
        if self.fits_with and not self.fits_without:
            return float("inf") if self.with_tokens_per_second is None else self.with_tokens_per_second
        if self.with_tokens_per_second is None or self.without_tokens_per_second is None:
            return 0.0
        return self.with_tokens_per_second - self.without_tokens_per_second


def mix_tokens_per_second(plan: Plan | PlanRefused, prompt_share: float) -> float | None:
    """Predicted tokens per second of a mix of generated and prompt tokens; ``None`` = not known."""
    if isinstance(plan, PlanRefused):
        return None
    seconds = 0.0
    for share, rate in (
        (1.0 - prompt_share, plan.predicted.decode_tokens_per_second),
        (prompt_share, plan.predicted.prefill_tokens_per_second),
    ):
        if share > 0.0 and not rate:
            return None
        seconds += share / rate if rate else 0.0
    return 1.0 / seconds if seconds else None


def without_each(request: PlanRequest, plan: Plan | PlanRefused | None = None) -> tuple[Difference, ...]:
    """One per offer, the one that helps least first. ``plan`` is what the request gives, where known already."""
    full = split_layers(request) if plan is None else plan
    used = set() if isinstance(full, PlanRefused) else {worker.id for worker in full.used_workers}
    found = []
    for offer in request.offers:
        rest = tuple(other for other in request.offers if other.id != offer.id)
        without = split_layers(replace(request, offers=rest)) if offer.id in used else full
        found.append(_difference(offer.id, full, without, request.prompt_share))
    return tuple(sorted(found, key=lambda each: each.gain_tokens_per_second))


def with_each(request: PlanRequest, more: Sequence[WorkerOffer]) -> tuple[Difference, ...]:
    """What each of ``more`` would change if it were added, the best to add next first."""
    without = split_layers(request)
    found = [
        _difference(offer.id, split_layers(replace(request, offers=(*request.offers, offer))), without, request.prompt_share)
        for offer in more
    ]
    return tuple(sorted(found, key=lambda each: -each.gain_tokens_per_second))


def _difference(id_: WorkerId, plan: Plan | PlanRefused, without: Plan | PlanRefused, prompt_share: float) -> Difference:
    return Difference(
        worker_id=id_,
        with_tokens_per_second=mix_tokens_per_second(plan, prompt_share),
        without_tokens_per_second=mix_tokens_per_second(without, prompt_share),
        fits_with=isinstance(plan, Plan),
        fits_without=isinstance(without, Plan),
    )


def smallest_set(request: PlanRequest) -> tuple[MachineId, ...] | None:
    """The fewest machines on which the model fits, and of several such sets the fastest; ``None`` = not even on all.

    Sets are tried by size, those with most memory first, ``MOST_SETS_TRIED`` of a size at most: that many are only needed
    where memory would be enough over all, yet layers do not fit into its pieces.
    """
    machines = tuple(dict.fromkeys(offer.machine_id for offer in request.offers))
    for size in range(1, len(machines) + 1):
        fitting = list(_sets_that_fit(request, machines, size))
        if fitting:
            return max(fitting, key=lambda chosen: _rate_on(request, chosen))
    return None


def _sets_that_fit(request: PlanRequest, machines: Sequence[MachineId], size: int) -> Iterator[tuple[MachineId, ...]]:
    budgets = budgets_of(request)
    memory = dict.fromkeys(machines, 0)
    for offer in request.offers:
        memory[offer.machine_id] += budgets.usable_of(offer)
    enough = [each for each in combinations(machines, size) if _is_enough(budgets, memory, each)]
    enough.sort(key=lambda each: -sum(memory[machine] for machine in each))
    found = 0
    for chosen in enough[:MOST_SETS_TRIED]:
        if fits(budgets_of(_on(request, chosen))):
            found += 1
            yield chosen
        if found == MOST_SETS_PLANNED:
            return


def _is_enough(budgets: Budgets, memory: dict[MachineId, int], machines: Sequence[MachineId]) -> bool:
    return sum(memory[machine] for machine in machines) >= budgets.needs.total_bytes


def _on(request: PlanRequest, machines: Sequence[MachineId]) -> PlanRequest:
    return replace(request, offers=tuple(offer for offer in request.offers if offer.machine_id in machines), given=None)


def _rate_on(request: PlanRequest, machines: Sequence[MachineId]) -> float:
    return mix_tokens_per_second(split_layers(_on(request, machines)), request.prompt_share) or 0.0
