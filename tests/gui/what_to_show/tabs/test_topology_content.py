"""The topology: who holds what, and where each figure of a link comes from."""

from dataclasses import replace

from engine.vocabulary.worker import Link
from gui.what_to_show.tabs.topology_content import COLUMNS, topology_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states as remotes
from tests.fakes.states import watched_states as watched


def machine(content, name):
    return next(machine for machine in content.machines if machine.name == name)


def test_the_coordinator_comes_first_and_all_data_goes_through_it():
    content = topology_of(remotes.four_phases())
    assert [found.name for found in content.machines] == [
        "ada-desktop",
        "lab-02",
        "lab-03",
        "ada@10.0.0.8:2222",
        "ada@10.0.0.6",
    ]
    assert content.machines[0].link is None
    assert "all data goes through this machine" in content.machines[0].words
    assert content.summary == "4 other machines · 2 of 5 hold layers · no port open"


def test_workers_with_their_layers_in_their_marks():
    here = topology_of(remotes.four_phases()).machines[0]
    assert [worker.short for worker in here.workers] == ["0–3", "4–23", "24–31"]
    assert len({worker.mark for worker in here.workers}) == 3
    assert here.layers == "32 layers on 3 workers"
    assert machine(topology_of(remotes.four_phases()), "lab-03").layers == "no layers"


def test_measured_has_its_date():
    state = watched.serving()
    measured = tuple(replace(remote, link_measured_at_seconds=3600.0) for remote in state.remotes)
    link = machine(topology_of(replace(state, remotes=measured)), "lab-02").link
    assert (link.round_trip, link.there, link.back) == ("0.31 ms", "936 Mbit/s", "assumed the same")
    assert link.measured.startswith("measured 2025-11-26 ")


def test_what_is_planned_with_but_not_measured_is_assumed():
    link = machine(topology_of(watched.serving()), "lab-05").link
    assert (link.round_trip, link.there, link.back) == ("assumed 0.30 ms", "assumed 936 Mbit/s", "assumed 936 Mbit/s")
    assert link.measured == ""
    lines = machine(topology_of(watched.serving()), "lab-05").link_lines
    assert lines == ("tunnel · round trip assumed 0.30 ms", "both ways assumed 936 Mbit/s", "not measured")


def test_what_is_neither_is_not_known():
    link = machine(topology_of(remotes.four_phases()), "ada@10.0.0.6").link
    assert (link.round_trip, link.there, link.back) == ("not known",) * 3
    assert not link.connected


def test_both_directions_when_both_were_measured():
    two_ways = Link(rtt_seconds=0.02, bytes_per_second=1e6, receive_bytes_per_second=5e6)
    link = machine(topology_of(remotes.with_remotes(replace(remotes.ready(2), link=two_ways))), "lab-02").link
    assert (link.round_trip, link.there, link.back) == ("20 ms", "8 Mbit/s", "40 Mbit/s")


def test_live_bytes_while_they_are_fresh():
    state = watched.serving()
    link = machine(topology_of(state), "lab-02").link
    assert link.flowing
    assert link.now.endswith("MB/s to it")
    assert machine(topology_of(replace(state, now_seconds=state.now_seconds + 60)), "lab-02").link.now == ""


def test_an_open_port_is_said_with_its_address():
    content = topology_of(watched.serving(lan=True))
    link = machine(content, "lab-02").link
    assert (link.is_open, link.exposure) == (True, "open port at 10.0.0.2")
    assert link.now.endswith("into it, all its programs")
    assert content.summary.endswith("2 machines with an open port")


def test_every_machine_is_a_row_in_words():
    content = topology_of(states.many_machines(200))
    assert len(content.machines) == 201
    assert all(len(found.cells) == len(COLUMNS) for found in content.machines)
    assert topology_of(states.looking()).empty
