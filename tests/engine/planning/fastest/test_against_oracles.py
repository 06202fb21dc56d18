"""The planner against two judges that share no code with it: never beaten. ``make bench`` runs five times as many clusters."""

from __future__ import annotations

import pytest

from tests.engine.planning.fastest.judged_clusters import judged

N_CLUSTERS, PART = 200, 20


@pytest.mark.parametrize("first", range(0, N_CLUSTERS, PART))
def test_no_other_placement_is_faster(first: int) -> None:
    verdicts = [judged(seed) for seed in range(first, first + PART)]
    assert all(verdict.agrees for verdict in verdicts), [verdict for verdict in verdicts if not verdict.agrees]
    assert sum(verdict.best_seconds is not None for verdict in verdicts) >= PART // 2


@pytest.mark.parametrize("first", range(0, N_CLUSTERS, PART))
def test_what_it_says_of_itself_is_true(first: int) -> None:
    for seed in range(first, first + PART):
        verdict = judged(seed)
        if verdict.best_seconds is not None:
            assert verdict.bound_seconds is not None
            assert verdict.bound_seconds <= verdict.best_seconds * (1 + 1e-9), verdict
