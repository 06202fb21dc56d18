"""Something breaks between machines while it serves: it serves again on what is left, says without whom and at what cost."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.end_to_end.crossply_programs import wait_until
from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

BACK_SECONDS = 60.0


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    return Desk(clean_lab, runtime, tmp_path)


def wait_until_back(desk, running, n_before=0, seconds=BACK_SECONDS):
    """Until it serves again. Returns what ``status`` says."""

    def back():
        assert running.process.poll() is None, running.said
        state = desk.json_of("status")
        return state if state["phase"] == "ready" and len(state["recovery"]["history"]) > n_before else None

    return wait_until(back, seconds, f"it serves again: {running.said}")


def end(desk, running):
    """It ends well and leaves nothing."""
    assert "Traceback" not in running.said
    assert running.end(signal.SIGTERM)[0] == 0, running.said
    wait_until_hosts_are_as_before(desk.lab, 20)


def test_a_killed_worker_on_a_healthy_machine_is_started_again_there(desk, llama_40):
    host = desk.lab.hosts[1]
    with desk.up(llama_40) as running:
        running.wait_until_serving()
        victim = next(process.pid for process in host.of_user() if "rpc-server" in process.argv[0])
        os.kill(victim, signal.SIGKILL)
        state = wait_until_back(desk, running)
        (cost,) = state["recovery"]["history"]
        assert (cost["workers"], cost["workers_before"], cost["left_out"]) == (8, 8, [])
        assert host.name in cost["happened"]
        assert state["problems"] == []
        assert desk.ask(state["api_url"])["tokens_predicted"] == 4
        end(desk, running)


def test_a_killed_tunnel_is_opened_again(desk, llama_40):
    with desk.up(llama_40) as running:
        before = running.wait_until_serving()
        tunnel = next(process for process in before["processes"] if process["title"].startswith("tunnel to "))
        os.kill(tunnel["pid"], signal.SIGKILL)
        state = wait_until_back(desk, running)
        (cost,) = state["recovery"]["history"]
        assert cost["workers"] == 8
        assert tunnel["title"] in cost["happened"]
        assert desk.ask(state["api_url"])["tokens_predicted"] == 4
        end(desk, running)


def test_without_the_machine_whose_sshd_is_gone_and_with_it_again_when_nobody_asks(desk, llama_40):
    host = desk.lab.hosts[1]
    with desk.up(llama_40) as running:
        running.wait_until_serving()
        host.kill_sshd()
        state = wait_until_back(desk, running)
        (cost,) = state["recovery"]["history"]
        assert (cost["workers"], cost["left_out"]) == (6, [host.name])
        assert not any(worker.startswith(host.name) for worker in state["map"]["planned"].values())
        assert desk.ask(state["api_url"])["tokens_predicted"] == 4
        host.start_sshd()
        wait_until(lambda: desk.json_of("status")["recovery"]["machines_there_again"] == [host.name], 60, "it is there again")
        again = wait_until_back(desk, running, 1, seconds=120)
        cost = again["recovery"]["history"][-1]
        assert (cost["happened"], cost["workers"], cost["workers_before"]) == (f"{host.name} is there again.", 8, 6)
        assert again["api_url"] == state["api_url"]
        assert desk.ask(again["api_url"])["tokens_predicted"] == 4
        assert f"{host.name} is there again" in running.said
        end(desk, running)


def test_a_machine_that_falls_silent_is_left_out(desk, llama_40):
    host = desk.lab.hosts[2]
    try:
        with desk.up(llama_40) as running:
            running.wait_until_serving()
            host.cable_out()
            began = time.monotonic()
            state = wait_until_back(desk, running)
            assert time.monotonic() - began < BACK_SECONDS
            assert state["recovery"]["history"][-1]["left_out"] == [host.name]
            assert desk.ask(state["api_url"])["tokens_predicted"] == 4
            host.cable_in()
            end(desk, running)
    finally:
        host.cable_in()
