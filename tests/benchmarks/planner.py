"""The planner: is it ever beaten, and how long does it take.

``python -m tests.benchmarks.planner [CLUSTERS [PLANS]]``. First random clusters, judged by brute force (small) and by HiGHS
(medium): the gap to the judge must be 0 on all. Then plans for sizes of interest, each for PLANS different clusters: median
and 95th percentile of the search in wall-clock milliseconds on this machine, as loaded as it is.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass

from engine.planning.device_order import device_order
from engine.planning.fastest.fastest_placement import fastest_placement
from engine.planning.seats import budgets_of
from tests.engine.planning.fastest.judged_clusters import judged
from tests.engine.planning.fastest.random_clusters import random_cluster


@dataclass(frozen=True)
class Size:
    """What is timed, and what it may take."""

    name: str
    n_workers: int
    equal: bool
    n_kinds: int | None = None
    prompt_share: float = 0.0
    target_ms: float | None = None


SIZES = (
    Size("15 workers x 81 equal layers, chat", 15, True, target_ms=50),
    Size("15 workers x 81 equal layers, mix", 15, True, prompt_share=0.5, target_ms=50),
    Size("15 different workers x 81 unequal layers, chat", 15, False, target_ms=500),
    Size("15 different workers x 81 unequal layers, mix", 15, False, prompt_share=0.5, target_ms=500),
    Size("15 different workers x 81 unequal layers, documents", 15, False, prompt_share=1.0, target_ms=500),
    Size("60 workers of 4 kinds x 81 equal layers, chat", 60, True, n_kinds=4, target_ms=1000),
    Size("60 workers of 4 kinds x 81 unequal layers, chat", 60, False, n_kinds=4, target_ms=1000),
    Size("60 workers of 4 kinds x 81 unequal layers, mix", 60, False, n_kinds=4, prompt_share=0.5, target_ms=1000),
    Size("60 different workers x 81 equal layers, chat", 60, True),
    Size("24 different workers x 81 unequal layers, chat", 24, False),
)
N_LAYERS = 81


def judge(count: int) -> bool:
    """Whether nobody was better."""
    verdicts = [judged(seed) for seed in range(count)]
    beaten = [verdict for verdict in verdicts if not verdict.agrees]
    fits = [verdict for verdict in verdicts if verdict.best_seconds is not None]
    proven = sum(verdict.proven for verdict in fits)
    worst = max((verdict.gap for verdict in verdicts), default=0.0)
    print(f"{count} clusters judged: {len(beaten)} disagree, largest gap {worst:.1e}")
    print(f"  {len(fits)} fit, {proven} of their plans proven optimal; {count - len(fits)} fit nowhere, and both say so")
    for verdict in beaten:
        print(f"  seed {verdict.seed}: {verdict.words}, gap {verdict.gap:.2e}")
    return not beaten


def times(size: Size, count: int) -> None:
    """Print one row."""
    taken, proven, gaps, misfits = [], 0, [], 0
    for seed in range(count):
        request = random_cluster(
            seed,
            n_workers=size.n_workers,
            n_layers=N_LAYERS,
            equal=size.equal,
            n_kinds=size.n_kinds,
            prompt_share=size.prompt_share,
        )
        budgets, order = budgets_of(request), device_order(request)
        began = time.perf_counter()
        found = fastest_placement(budgets, order)
        taken.append(1000 * (time.perf_counter() - began))
        misfits += found is None
        proven += found is not None and found.optimality.proven
        gaps += [found.optimality.gap] if found is not None and found.optimality.gap else []
    late = statistics.quantiles(taken, n=20)[-1]
    target = (
        ""
        if size.target_ms is None
        else f"  (target {size.target_ms:.0f}: {'reached' if late <= size.target_ms else 'MISSED'})"
    )
    told = f"; others at most {max(gaps):.2%} away" if gaps else ""
    print(
        f"{size.name:52} median {statistics.median(taken):7.1f} ms  p95 {late:7.1f} ms{target}  "
        f"proven {proven} of {count - misfits} that fit{told}",
        flush=True,
    )


def main(n_clusters: int, n_plans: int) -> int:
    """1 when somebody was better than the planner."""
    agreed = judge(n_clusters)
    for size in SIZES:
        times(size, n_plans)
    return 0 if agreed else 1


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(numbers + [1000, 40][len(numbers) :])))
