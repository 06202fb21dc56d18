"""The sliding minimum against the plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from engine.planning.fastest.window_minimum import window_minimum, windows_of


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_least_of_every_window(seed: int) -> None:
    random = np.random.default_rng(seed)
    n_rows = int(random.integers(1, 40))
    values = random.random((n_rows, 3))
    values[random.random((n_rows, 3)) < 0.2] = np.inf
    earliest = np.minimum(np.sort(random.integers(0, n_rows + 1, n_rows)), np.arange(n_rows))
    least = window_minimum(values, windows_of(earliest))
    for end in range(n_rows):
        window = values[earliest[end] : end]
        expected = window.min(axis=0) if len(window) else np.full(3, np.inf)
        assert least[end].tolist() == expected.tolist()


def test_more_axes_are_columns_too() -> None:
    values = np.arange(24.0).reshape(4, 2, 3)
    least = window_minimum(values, windows_of(np.zeros(4, dtype=np.int64)))
    assert np.isinf(least[0]).all()
    assert (least[1:] == values[0]).all()
