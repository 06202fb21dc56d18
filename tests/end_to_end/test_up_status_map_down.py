"""``up`` with real programs: what others see of it while it runs, what it may not touch, and how it ends."""

import json
import re
import signal
import socket
import subprocess
import urllib.request
from contextlib import ExitStack

import psutil
import pytest

from engine.machines.asking.rpc_asker import SocketRpcAsker
from tests.end_to_end.crossply_programs import (
    crossplyctl,
    json_of,
    listening_addresses,
    processes_of,
    wait_until,
    wait_until_nothing_is_left,
)

pytestmark = pytest.mark.real

FIRST_RPC_PORT = 50052


def ask(api_url, prompt):
    """The text and timings of a streamed answer: random weights may write what is no UTF-8, which only a stream forgives."""
    body = json.dumps({"prompt": prompt, "n_predict": 8, "stream": True, "ignore_eos": True}).encode()
    request = urllib.request.Request(f"{api_url}/completion", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        pieces = [json.loads(line[6:]) for line in response if line.startswith(b"data: {")]
    return pieces[-1]["timings"]


@pytest.mark.parametrize(("model", "n_layers"), [("llama_40", 40), ("heavy_head", 18), ("moe", 12)])
def test_up_serves_and_others_see_it(request, crossply_up, model, n_layers):
    running = crossply_up(request.getfixturevalue(model))
    status = running.wait_until_serving()
    assert status["pid"] == running.pid
    assert [process["phase"] for process in status["processes"]] == ["ready"] * 3
    assert status["problems"] == []
    assert status["measured"]["decode_tokens_per_second"] > 0

    layer_map = json_of(running.environment, "map")
    assert layer_map == status["map"]
    assert layer_map["matches"]
    assert list(layer_map["planned"]) == [str(layer) for layer in range(n_layers + 1)]
    assert len(set(layer_map["actual"].values())) == 2

    timings = ask(status["api_url"], "w1 w2 w3")
    assert timings["predicted_n"] == 8

    assert json_of(running.environment, "down") == {"stopped": True}
    assert running.process.wait(3) == 0, running.stderr
    assert "Everything is stopped." in running.stderr
    wait_until_nothing_is_left(running.environment)
    assert json_of(running.environment, "status") == {"phase": "not running"}
    assert crossplyctl(running.environment, "down").returncode == 5


def test_what_people_are_shown(crossply_up, moe):
    running = crossply_up(moe)
    status = running.wait_until_serving()
    shown = running.stdout
    assert f"at {status['api_url']} (" in shown
    assert "every layer is where the plan says" in shown
    assert "Predicted: " in shown
    assert re.search(r"Decode:  predicted \d+\.\d tok/s, measured \d+\.\d tok/s", shown), shown
    table = crossplyctl(running.environment, "status")
    assert table.stdout.startswith(f"Phase: ready at {status['api_url']}\n")
    for process in status["processes"]:
        assert str(process["pid"]) in table.stdout
    rows = crossplyctl(running.environment, "map")
    assert rows.returncode == 0
    assert rows.stdout.count("this-machine/cpu-0") == 2 * 6
    assert rows.stdout.endswith("actual = planned, read from llama-server\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_ends_it_cleanly(crossply_up, moe, number):
    running = crossply_up(moe)
    running.wait_until_serving()
    assert running.end(number) == 0, running.stderr
    assert "Traceback" not in running.stderr
    wait_until_nothing_is_left(running.environment)


def test_a_signal_while_it_is_still_loading_ends_it_too(crossply_up, heavy_head):
    running = crossply_up(heavy_head)
    wait_until(lambda: any("rpc-server" in process.name() for process in processes_of(running.environment)), 30, "a worker")
    assert running.end(signal.SIGINT) == 130
    assert "Traceback" not in running.stderr
    wait_until_nothing_is_left(running.environment)


def test_a_second_up_is_refused_and_the_first_goes_on(crossply_up, moe):
    first = crossply_up(moe)
    before = first.wait_until_serving()
    second = crossply_up(moe)
    assert second.process.wait(20) == 1
    assert "running already" in second.stderr
    assert "crossplyctl down" in second.stderr
    after = json_of(first.environment, "status")
    assert [process["pid"] for process in after["processes"]] == [process["pid"] for process in before["processes"]]
    assert ask(after["api_url"], "w1")["predicted_n"] == 8


def hold(port, stack):
    """Listen on a port ourselves, unless somebody else does."""
    try:
        return stack.enter_context(socket.create_server(("127.0.0.1", port)))
    except OSError:
        return None


def foreign_rpc_server(runtime, stack):
    """A real rpc-server of somebody else, on the first port that is free after the one we hold."""
    asker = SocketRpcAsker()
    port = next(port for port in range(FIRST_RPC_PORT + 1, FIRST_RPC_PORT + 100) if asker.is_free("127.0.0.1", port))
    process = subprocess.Popen(
        [runtime.rpc_server, "-H", "127.0.0.1", "-p", str(port), "-d", "CPU", "-t", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    wait_until(lambda: not asker.is_free("127.0.0.1", port), 10, "the foreign rpc-server listens")
    return process, port


def test_taken_ports_get_the_next_free_one_and_whoever_has_them_is_left_alone(crossply_up, moe, runtime, api_port):
    with ExitStack() as stack:
        held = {FIRST_RPC_PORT} if hold(FIRST_RPC_PORT, stack) else set()  # somebody else's may be free by the time we start
        foreign, foreign_port = foreign_rpc_server(runtime, stack)
        assert hold(api_port, stack) is not None
        running = crossply_up(moe)
        status = running.wait_until_serving()
        ports = {int(process["endpoint"].rpartition(":")[2]) for process in status["processes"]}
        assert not ports & {*held, foreign_port, api_port}
        assert int(status["api_url"].rpartition(":")[2]) > api_port
        assert status["map"]["matches"]
        assert running.end() == 0
        assert foreign.poll() is None
        assert SocketRpcAsker().ask("127.0.0.1", foreign_port).state == "idle"


def test_nothing_listens_where_another_machine_could_reach_it(crossply_up, moe):
    running = crossply_up(moe)
    status = running.wait_until_serving()
    listening = listening_addresses(processes_of(running.environment))
    assert {address for address, _port in listening} == {"127.0.0.1"}
    ours = [psutil.Process(running.pid).name()]  # the API's steady address
    started = [psutil.Process(process["pid"]).name() for process in status["processes"]]
    assert sorted(listening.values()) == sorted((*ours, *started))
