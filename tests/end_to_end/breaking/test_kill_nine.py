"""``kill -9`` of whoever holds the cluster: nothing may be left behind, and the next one must find a free field."""

import signal
import subprocess
import sys

import pytest

from tests.end_to_end.crossply_programs import (
    ROOT,
    end_all,
    json_of,
    left_of,
    processes_of,
    wait_until,
    wait_until_nothing_is_left,
)

pytestmark = pytest.mark.real

LEFT_SECONDS = 3.0

HOLDS_A_SESSION = """
import sys, time
from engine.open_session import open_session
from engine.session.state import Choices

session = open_session(Choices(model_path=sys.argv[1], cpu_workers=2, api_port=int(sys.argv[2])))
while session.snapshot().plan is None:
    time.sleep(0.01)
session.launch()
while True:
    time.sleep(1)
"""


def test_nothing_is_left_and_a_new_one_starts(crossply_up, moe):
    running = crossply_up(moe)
    assert len(running.wait_until_serving()["processes"]) == 3
    running.process.kill()
    assert running.process.wait(5) == -signal.SIGKILL
    wait_until_nothing_is_left(running.environment, LEFT_SECONDS)
    assert json_of(running.environment, "status") == {"phase": "not running"}

    again = crossply_up(moe)
    assert again.wait_until_serving()["map"]["matches"]
    assert again.end() == 0


@pytest.mark.parametrize("at", ["ggml-rpc", "llama-server"])
def test_nothing_is_left_of_a_session_that_was_killed_while_it_loads(app_environment, gemma_model, api_port, at):
    argv = [sys.executable, "-c", HOLDS_A_SESSION, gemma_model, str(api_port)]
    holder = subprocess.Popen(argv, cwd=ROOT, env=app_environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: any(at in process.name() for process in processes_of(app_environment)), 30, f"{at} runs")
        holder.kill()
        holder.wait(5)
        wait_until_nothing_is_left(app_environment, LEFT_SECONDS)
        assert json_of(app_environment, "status") == {"phase": "not running"}
    finally:
        end_all(app_environment, holder)
    assert left_of(app_environment) == []
