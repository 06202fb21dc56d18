"""Two Crossplys on the same hosts, started at once: no port collides, each stops only its own."""

from __future__ import annotations

import signal

import pytest

from engine.settings.folders import DATA_VARIABLE
from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture
def desks(clean_lab, runtime, tmp_path):
    """Side by side on one desk, each with a data folder of its own."""
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    return [Desk(clean_lab, runtime, folder, f"{DATA_VARIABLE}={folder}") for folder in folders]


def ports_of(state):
    """On the hosts and here."""
    forwards = [(tunnel["machine"], forward) for tunnel in state["tunnels"] for forward in tunnel["forwards"]]
    there = {(machine, forward["remote_port"]) for machine, forward in forwards}
    return there, {forward["local_port"] for _, forward in forwards}


def test_both_serve_and_stopping_one_leaves_the_other(desks, llama_40):
    first, second = desks
    with first.up(llama_40) as one, second.up(llama_40) as other:
        states = [one.wait_until_serving(), other.wait_until_serving()]
        assert all(state["map"]["matches"] for state in states)
        assert [state["recovery"]["history"] for state in states] == [[], []], "a port that was taken is nothing to tell"
        (there, here), (others_there, others_here) = map(ports_of, states)
        assert len(there) == len(others_there) == 8
        assert not there & others_there
        assert not here & others_here
        assert states[0]["api_url"] != states[1]["api_url"]
        assert [first.ask(state["api_url"])["tokens_predicted"] for state in states] == [4, 4]
        assert one.end(signal.SIGTERM)[0] == 0
        still = second.json_of("status")
        assert still["phase"] == "ready"
        assert second.ask(states[1]["api_url"])["tokens_predicted"] == 4
        assert all(len(host.of_user()) > 0 for host in first.lab.hosts)
        assert other.end(signal.SIGTERM)[0] == 0
    wait_until_hosts_are_as_before(first.lab)
