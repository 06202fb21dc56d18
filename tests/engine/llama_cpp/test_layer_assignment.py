from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from engine.errors import BadInput
from engine.llama_cpp.layer_assignment import assign_layers


def test_the_recorded_run() -> None:
    """18 layers, ``-ts 5,14``: see tests/recorded/llama-server-0c1e570/load_and_answer.jsonl.log."""
    assert assign_layers(18, (5, 14)) == (0,) * 5 + (1,) * 14


def test_20000_random_plans_get_exactly_their_counts() -> None:
    random_plans = random.Random(1)
    for _ in range(20_000):
        n_devices = random_plans.randint(1, 15)
        units = random_plans.randint(n_devices, 130)
        cuts = sorted(random_plans.choices(range(units + 1), k=n_devices - 1))
        counts = [after - before for before, after in zip([0, *cuts], [*cuts, units], strict=True)]
        assigned = assign_layers(units - 1, counts)
        assert assigned == tuple(device for device, count in enumerate(counts) for _ in range(count)), counts


def test_the_same_bits_as_float32_arithmetic() -> None:
    """The rule of llama-model.cpp:1580-1597 again, on real float32 numbers."""
    random_splits = random.Random(2)
    for _ in range(2_000):
        split = [random_splits.choice([0.0, random_splits.random() * 10 ** random_splits.randint(0, 10)]) for _ in range(8)]
        split[random_splits.randrange(8)] += 1.0
        n_layers, n_gpu = random_splits.randint(1, 200), random_splits.randint(1, 250)
        assert assign_layers(n_layers, split, n_gpu) == _in_float32(n_layers, split, n_gpu)


def _in_float32(n_layers: int, split: list[float], n_gpu: int) -> tuple[int | None, ...]:
    points, total = [], np.float32(0)
    for share in split:
        total = np.float32(total + np.float32(share))
        points.append(total)
    points = [np.float32(point / total) for point in points]
    start, active = max(n_layers + 1 - n_gpu, 0), min(n_gpu, n_layers + 1)
    where = [np.float32(np.float32(layer - start) / np.float32(active)) for layer in range(start, n_layers + 1)]
    return (None,) * start + tuple(next(k for k, point in enumerate(points) if point > value) for value in where)


def test_the_first_layers_stay_on_the_coordinator_when_not_all_are_offloaded() -> None:
    assert assign_layers(4, (1, 1), n_gpu_layers=2) == (None, None, None, 0, 1)
    assert assign_layers(4, (1,), n_gpu_layers=0) == (None,) * 5


def test_negative_means_all() -> None:
    assert assign_layers(4, (2, 3), n_gpu_layers=-1) == assign_layers(4, (2, 3))


def test_thirds() -> None:
    assert Counter(assign_layers(32, (1, 1, 1))) == {0: 11, 1: 11, 2: 11}


@pytest.mark.parametrize("split", [(), (0, 0), (3, -1)])
def test_a_split_of_nothing_is_refused(split: tuple[float, ...]) -> None:
    with pytest.raises(BadInput):
        assign_layers(4, split)
