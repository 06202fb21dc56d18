"""What a machine's card says of a load: bytes as its tunnel counts them, time as its link was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.worker import Link
from gui.what_to_show.cards.launch_content import launch_progress_of, load_of_machine
from tests.fakes.states import remote_states as remote


def loading(*, sent_bytes: int | None, bytes_per_second: float | None) -> tuple[ClusterState, str]:
    """One remote machine; a link of that speed."""
    state = remote.starting()
    assert state.run is not None
    (machine,) = {server.machine_id for server in state.run.servers} - {"this-machine"}
    link = Link(rtt_seconds=0.001, bytes_per_second=bytes_per_second)
    remotes = tuple(replace(seen, link=link if seen.id == machine else seen.link) for seen in state.remotes)
    sent = () if sent_bytes is None else ((machine, sent_bytes),)
    return replace(state, run_phase=RunPhase.LOADING_MODEL, remotes=remotes, run=replace(state.run, sent=sent)), machine


def shown(state: ClusterState, machine: str) -> tuple[str, float | None]:
    """Its words and its bar."""
    progress = launch_progress_of(state, machine)
    assert progress is not None
    return progress.detail, progress.fraction


def test_half_sent_is_half_the_bar_and_half_the_time() -> None:
    state, machine = loading(sent_bytes=None, bytes_per_second=1e9)
    assert state.run is not None
    size = load_of_machine(state, state.run, state.run.servers[-1].machine_id).size_bytes
    state, machine = loading(sent_bytes=size // 2, bytes_per_second=size / 40)
    detail, fraction = shown(state, machine)
    assert detail.endswith(" sent · up to 20 s left")
    assert fraction == pytest.approx(0.5)


def test_more_than_the_weights_is_all_of_them() -> None:
    state, machine = loading(sent_bytes=10**15, bytes_per_second=1e9)
    detail, fraction = shown(state, machine)
    assert detail.endswith(" sent · up to 0.00 s left")
    assert fraction == 1.0


def test_without_a_measured_link_no_time_is_said() -> None:
    state, machine = loading(sent_bytes=1, bytes_per_second=None)
    assert shown(state, machine)[0].endswith(" sent")


def test_before_anything_went_there_the_whole_is_said() -> None:
    state, machine = loading(sent_bytes=0, bytes_per_second=1e9)
    assert "of weights belong here: up to " in shown(state, machine)[0]
