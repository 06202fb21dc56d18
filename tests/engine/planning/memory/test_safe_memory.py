"""What may be taken of a device."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.planning.memory.safe_memory import safe_bytes, total_for_safe


def test_a_fifth_is_left_alone() -> None:
    assert safe_bytes(12_500_000_000, 12_500_000_000) == 10_000_000_000


def test_never_more_than_is_free_now() -> None:
    assert safe_bytes(10_000, 3_000) == 3_000


def test_the_reserve_is_a_setting() -> None:
    assert safe_bytes(10_000, 10_000, 0.5) == 5_000
    assert safe_bytes(10_000, 10_000, 0.0) == 10_000


@given(st.integers(0, 2**50), st.integers(-5, 2**50), st.floats(0, 1))
def test_it_stays_between_nothing_and_what_is_free(total: int, free: int, reserve: float) -> None:
    safe = safe_bytes(total, free, reserve)
    assert isinstance(safe, int)
    assert 0 <= safe <= max(0, free)
    assert safe <= total


def test_the_total_behind_a_safe_figure() -> None:
    assert total_for_safe(8_000) == 10_000
    assert total_for_safe(8_000, 1.0) == 8_000
