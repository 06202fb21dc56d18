"""Processes of a running cluster are killed from outside: it is served again, and what happened and what it cost is said."""

import contextlib
import json
import os
import signal
import threading
import time
import urllib.request

import pytest

from tests.end_to_end.crossply_programs import json_of, processes_of, wait_until, wait_until_nothing_is_left

pytestmark = pytest.mark.real

BACK_SECONDS = 30.0


def victim_of(state, which):
    """One of its processes."""
    workers = sorted(
        (process for process in state["processes"] if process["workers"]), key=lambda process: process["endpoint"]
    )
    (coordinator,) = (process for process in state["processes"] if not process["workers"])
    return coordinator if which == "llama-server" else workers[which]


def wait_until_back(running, n_before, seconds=BACK_SECONDS):
    """Until it serves again. Returns what ``status`` says."""

    def back():
        assert running.process.poll() is None, running.stderr
        state = json_of(running.environment, "status")
        return state if state["phase"] == "ready" and len(state["recovery"]["history"]) > n_before else None

    return wait_until(back, seconds, "it serves again")


def ask(state, tokens=8):
    """A request to llama-server itself. Returns how many tokens it answered."""
    body = json.dumps({"prompt": "Once upon a time", "n_predict": tokens, "ignore_eos": True}).encode()
    request = urllib.request.Request(f"{state['api_url']}/completion", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["tokens_predicted"]


def ask_for_long(state):
    """A request that goes on while something is killed; its end is of no interest."""

    def run():
        with contextlib.suppress(OSError):
            ask(state, tokens=2000)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("which", [0, 1, "llama-server"], ids=["first worker", "last worker", "llama-server"])
def test_a_killed_process_is_named_and_it_serves_again_on_the_same_workers(crossply_up, moe, which):
    running = crossply_up(moe)
    before = running.wait_until_serving()
    victim = victim_of(before, which)

    os.kill(victim["pid"], signal.SIGKILL)
    state = wait_until_back(running, 0)

    assert state["problems"] == []
    assert state["map"]["matches"]
    assert ask(state) == 8
    (cost,) = state["recovery"]["history"]
    assert "signal 9 (SIGKILL)" in cost["happened"]
    assert (victim["endpoint"] if victim["workers"] else "llama-server") in cost["happened"]
    assert cost["workers"] == cost["workers_before"] == 2
    assert state["measured"] == before["measured"], "it is the same plan: not measured again"
    said = running.stderr
    assert cost["happened"] in said
    assert "on the same 2 workers." in said
    assert "Traceback" not in said
    assert running.end() == 0
    wait_until_nothing_is_left(running.environment)


def test_killed_while_it_answers_again_and_again(crossply_up, moe):
    running = crossply_up(moe)
    state = running.wait_until_serving()
    for number, which in enumerate((0, "llama-server", 1)):
        thread = ask_for_long(state)
        time.sleep(0.5)
        os.kill(victim_of(state, which)["pid"], signal.SIGKILL)
        state = wait_until_back(running, number)
        thread.join(30)
        assert ask(state) == 8
    assert len(state["recovery"]["history"]) == 3
    assert "Traceback" not in running.stderr
    assert running.end() == 0


def test_stopped_while_it_recovers(crossply_up, moe):
    running = crossply_up(moe)
    os.kill(victim_of(running.wait_until_serving(), 0)["pid"], signal.SIGKILL)
    wait_until(lambda: "SIGKILL" in running.stderr, 5, "the fault is told")
    assert running.end(seconds=10) == 0
    assert processes_of(running.environment) == []


def test_with_recovery_ask_and_nobody_to_ask_it_ends(crossply_up, moe):
    running = crossply_up(moe, "--recovery", "ask")
    os.kill(victim_of(running.wait_until_serving(), 0)["pid"], signal.SIGKILL)
    assert running.process.wait(10) == 1, running.stderr
    assert "--recovery automatic" in running.stderr
    wait_until_nothing_is_left(running.environment)
