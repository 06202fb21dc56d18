"""A process of a running cluster is killed from outside and nothing shall start again: said which, everything else stopped,
nothing left."""

import os
import signal
import time

import pytest

from tests.end_to_end.crossply_programs import json_of, wait_until_nothing_is_left

pytestmark = pytest.mark.real

NOTICED_SECONDS = 3.0


@pytest.mark.parametrize("which", [0, 1, "llama-server"], ids=["first worker", "last worker", "llama-server"])
def test_it_is_named_and_everything_is_stopped(crossply_up, moe, which):
    running = crossply_up(moe, "--recovery", "never")
    processes = running.wait_until_serving()["processes"]
    workers = sorted((process for process in processes if process["workers"]), key=lambda process: process["endpoint"])
    (coordinator,) = (process for process in processes if not process["workers"])
    victim = coordinator if which == "llama-server" else workers[which]

    os.kill(victim["pid"], signal.SIGKILL)
    began = time.monotonic()
    assert running.process.wait(10) == 1, running.stderr
    assert time.monotonic() - began < NOTICED_SECONDS

    said = [line for line in running.stderr.splitlines() if line.startswith("crossplyctl: ")]
    assert len(said) == 1, running.stderr
    assert "signal 9 (SIGKILL)" in said[0]
    assert (victim["endpoint"] if victim["workers"] else "llama-server") in said[0]
    assert "Traceback" not in running.stderr
    wait_until_nothing_is_left(running.environment)
    assert json_of(running.environment, "status") == {"phase": "not running"}
