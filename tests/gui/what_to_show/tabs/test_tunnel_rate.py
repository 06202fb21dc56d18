"""The rate of the tunnels, and what the status line says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.session.state import ClusterState
from engine.vocabulary.machine import MachineId
from gui.what_to_show.status_content import status_of
from gui.what_to_show.tabs.tunnel_rate import TunnelRate
from tests.fakes.states import remote_states


def carried(*bytes_per_machine: int, launch: int = 1) -> ClusterState:
    base = remote_states.starting()
    assert base.run is not None
    sent = tuple((MachineId(f"lab-{place}"), n_bytes) for place, n_bytes in enumerate(bytes_per_machine))
    return replace(base, n_launches=launch, run=replace(base.run, sent=sent))


def test_two_readings_make_a_rate() -> None:
    rate = TunnelRate()
    assert rate.see(carried(0, 0), 10.0) is None
    assert rate.see(carried(10_000_000, 5_000_000), 10.5) is None
    assert rate.see(carried(100_000_000, 20_000_000), 12.0) == 60_000_000


def test_it_is_the_mean_of_the_last_seconds() -> None:
    rate = TunnelRate()
    for second in range(8):
        rate.see(carried(100_000_000 * second), float(second))
    for second in range(8, 14):
        last = rate.see(carried(700_000_000), float(second))
    assert last == 0.0


def test_another_launch_begins_anew_and_without_tunnels_nothing_is_known() -> None:
    rate = TunnelRate()
    rate.see(carried(500_000_000), 1.0)
    assert rate.see(carried(0, launch=2), 5.0) is None
    assert rate.see(replace(carried(0), run=None), 9.0) is None


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (None, "Nothing listens off this machine · 1 tunnel"),
        (100.0, "Nothing listens off this machine · 1 tunnel"),
        (412_000_000.0, "Nothing listens off this machine · 1 tunnel · 412 MB/s sent"),
    ],
)
def test_the_status_line_says_it(rate: float | None, words: str) -> None:
    state = carried(0)
    assert state.run is not None
    state = replace(state, run=replace(state.run, tunnels=state.run.tunnels[:1]))
    assert status_of(state, rate).right == words
