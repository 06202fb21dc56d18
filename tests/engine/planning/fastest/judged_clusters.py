"""One random cluster, planned and judged: small ones by brute force, medium ones by HiGHS; equal and unequal layers, chat,
documents and mixes; some with workers that share a server or a memory bus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from random import Random

from engine.planning.device_order import device_order
from engine.planning.fastest.fastest_placement import Fastest, fastest_placement
from engine.planning.seats import budgets_of
from engine.vocabulary.plan import PlannedWorker, PlanRequest
from tests.engine.planning.fastest.placement_oracles import brute_force_seconds, highs_seconds, mix_seconds, share
from tests.engine.planning.fastest.random_clusters import random_cluster

PROMPT_SHARES = (0.0, 0.0, 1.0, 0.5, 0.1)
SAME = 1e-9


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was found and what the judge says. ``None`` = nothing fits."""

    seed: int
    words: str
    seconds: float | None
    best_seconds: float | None
    bound_seconds: float | None
    proven: bool

    @property
    def gap(self) -> float:
        """How much slower than the judge's; 0 where both say that nothing fits."""
        if self.seconds is None or self.best_seconds is None:
            return 0.0 if self.seconds is self.best_seconds else float("inf")
        return self.seconds / self.best_seconds - 1.0

    @property
    def agrees(self) -> bool:
        """Neither better nor worse than the judge's."""
        return abs(self.gap) <= SAME


def cluster(seed: int) -> PlanRequest:
    """Half of them small; at most 8 workers and 16 layers."""
    random = Random(seed + 1_000_000)
    small = seed % 2 == 0
    request = random_cluster(
        seed,
        n_workers=random.randint(1, 4) if small else random.randint(4, 8),
        n_layers=random.randint(1, 7) if small else random.randint(8, 16),
        equal=seed % 4 < 2,
        prompt_share=PROMPT_SHARES[seed % len(PROMPT_SHARES)],
    )
    request = replace(request, max_devices=random.choice((2, 3, 14, 15, 15, 15)))
    return _sharing(request, random) if small and seed % 3 == 0 else request


def _sharing(request: PlanRequest, random: Random) -> PlanRequest:
    """The first two or three workers on one machine, and sometimes in one server: their stages hinder each other."""
    first, together = request.offers[0], random.randint(2, 3)
    endpoint = first.endpoint if random.random() < 0.5 else None
    joined = tuple(
        replace(offer, machine_id=first.machine_id, endpoint=endpoint or offer.endpoint) for offer in request.offers[:together]
    )
    return replace(request, offers=joined + request.offers[together:])


@cache
def judged(seed: int) -> Verdict:
    """Plan it, and let the judge look."""
    request = cluster(seed)
    found = fastest_placement(budgets_of(request), device_order(request), worth_another_order=0.0)
    best = (brute_force_seconds if seed % 2 == 0 else highs_seconds)(request)
    words = f"{len(request.offers)} workers, {request.model.n_layers} layers, prompt share {request.prompt_share}"
    if found is None:
        return Verdict(seed=seed, words=words, seconds=None, best_seconds=best, bound_seconds=None, proven=False)
    seconds = mix_seconds(request, workers_of(request, found))
    bound = seconds * (1.0 - (found.optimality.gap or 0.0))
    proven = found.optimality.proven
    return Verdict(seed=seed, words=words, seconds=seconds, best_seconds=best, bound_seconds=bound, proven=proven)


def workers_of(request: PlanRequest, found: Fastest) -> list[PlannedWorker]:
    """The placement as shares, for the cost model."""
    workers, first, last = [], 0, len(found.placement.seats) - 1
    for place, (offer, count) in enumerate(found.placement.seats):
        workers.append(share(request, offer, first, first + count, last=place == last))
        first += count
    return workers
