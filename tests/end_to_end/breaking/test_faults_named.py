"""Something of a run on this machine is broken: who it was is named, in time."""

import json
import os
import signal
import socket
import sys
import time

import pytest

from tests.end_to_end.breaking.fault_bench import fault_bench
from tests.end_to_end.crossply_programs import wait_until_nothing_is_left

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

KILL_SECONDS = 2.0
HANG_SECONDS = 10.0
LLAMA = "llama-server"


@pytest.fixture
def bench(app_environment):
    def start(model, *options):
        argv = [sys.executable, "-m", "tests.end_to_end.breaking.fault_session", str(model), *options]
        return fault_bench(argv, app_environment)

    yield start
    wait_until_nothing_is_left(app_environment)


def pid_of(processes, what):
    """Of llama-server, or of the n-th worker."""
    workers = [process for process in processes if process["workers"]]
    chosen = next(process for process in processes if process["id"] == LLAMA) if what == LLAMA else workers[what]
    return chosen["pid"], chosen["workers"]


@pytest.mark.parametrize("phase", ["idle", "decoding", "loading"])
@pytest.mark.parametrize("which", [0, 1], ids=["first worker", "last worker"])
def test_a_killed_worker(bench, moe, gemma_model, phase, which, capsys):
    with bench(gemma_model if phase == "loading" else moe, *(("--decode",) if phase == "decoding" else ())) as running:
        wait = {"idle": running.wait_until_serving, "decoding": running.wait_until_decoding}
        processes = wait.get(phase, running.wait_until_loading)()
        pid, workers = pid_of(processes, which)
        named = running.named_after(lambda: os.kill(pid, signal.SIGKILL), 10.0)
    with capsys.disabled():
        print(f"\n  killed worker, {phase}: {named.after_seconds:.2f} s: {named.happened}")
    assert (named.cause, named.machine, named.workers) == ("worker ended", "this-machine", workers)
    assert "signal 9 (SIGKILL)" in named.happened
    assert named.after_seconds < KILL_SECONDS


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT], ids=["killed", "aborted"])
def test_a_killed_coordinator(bench, moe, number, capsys):
    with bench(moe) as running:
        pid, _ = pid_of(running.wait_until_serving(), LLAMA)
        named = running.named_after(lambda: os.kill(pid, number), 10.0)
    with capsys.disabled():
        print(f"\n  coordinator, {number.name}: {named.after_seconds:.2f} s: {named.happened}")
    assert (named.cause, named.machine, named.workers) == ("coordinator ended", None, [])
    assert named.where == LLAMA
    assert named.after_seconds < KILL_SECONDS


@pytest.mark.parametrize("which", [0, 1, LLAMA], ids=["first worker", "last worker", "llama-server"])
def test_a_stopped_process_while_it_decodes(bench, moe, which, capsys):
    with bench(moe, "--decode") as running:
        pid, workers = pid_of(running.wait_until_decoding(), which)
        named = running.named_after(lambda: os.kill(pid, signal.SIGSTOP), 30.0)
    with capsys.disabled():
        print(f"\n  stopped, decoding: {named.after_seconds:.2f} s: {named.happened}")
    assert named.cause == "no progress"
    assert named.workers == ([] if which == LLAMA else workers)
    assert "is stopped" in named.happened
    assert named.after_seconds < HANG_SECONDS


def test_a_stopped_worker_while_it_loads(bench, gemma_model, capsys):
    with bench(gemma_model) as running:
        pid, workers = pid_of(running.wait_until_loading(), 1)
        named = running.named_after(lambda: os.kill(pid, signal.SIGSTOP), 30.0)
    with capsys.disabled():
        print(f"\n  stopped, loading: {named.after_seconds:.2f} s: {named.happened}")
    assert (named.cause, named.workers) == ("no progress", workers)
    assert named.after_seconds < HANG_SECONDS


def test_a_client_that_reads_nothing_is_no_hang(bench, moe):
    """llama-server writes its whole answer, or waits for the reader: either way its workers are well."""
    body = json.dumps({"prompt": "Once", "n_predict": 3000, "ignore_eos": True, "stream": True}).encode()
    with bench(moe) as running, socket.socket() as client:
        (llama,) = (process for process in running.wait_until_serving() if process["id"] == LLAMA)
        host, _, port = llama["endpoint"].rpartition(":")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect((host, int(port)))
        client.sendall(b"POST /completion HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        time.sleep(HANG_SECONDS + 5)
        assert [one for one in running.said if "fault" in one] == []
