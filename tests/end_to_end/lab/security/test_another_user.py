"""What another user of the same machine can do to a worker on the loopback. Not a promise: the facts behind SECURITY.md.

A TCP port on 127.0.0.1 has no owner that the kernel would ask: should one of these tests fail one day, llama.cpp or Linux has
become better, and SECURITY.md is to be changed.
"""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.end_to_end.crossply_programs import wait_until
from tests.lab.machines.host import listening_in

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

PORT = 50052
NOBODY = "65534"
SILENCE_SECONDS = 1.5
HELLO = """
import json, socket, struct, sys
one = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)
one.settimeout(float(sys.argv[2]))
one.sendall(bytes([14]) + struct.pack("<Q", 24) + bytes(24))
try:
    answer = one.recv(64)
except TimeoutError:
    answer = b""
print(json.dumps({"answered": len(answer) >= 8}), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def worker(clean_lab, runtime):
    """A real rpc-server of ours on the desk's loopback."""
    argv = [*clean_lab.command_prefix(), runtime.rpc_server, "-H", "127.0.0.1", "-p", str(PORT), "-d", "CPU", "-t", "1"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: ("127.0.0.1", PORT) in listening_in(clean_lab.desk.pid), 20, "it listens")
        yield clean_lab
        process.kill()


@contextmanager
def somebody(lab, *, uid, patience_seconds):
    """A connection of that user, held open: how it went."""
    argv = [*lab.desk.enter("net"), "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"]
    argv += ["/usr/bin/python3", "-I", "-c", HELLO, str(PORT), str(patience_seconds)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()


def was_answered(process):
    return json.loads(process.stdout.readline())["answered"]


def test_an_idle_worker_serves_whoever_connects(worker):
    with somebody(worker, uid=NOBODY, patience_seconds=5) as other:
        assert was_answered(other)


def test_while_a_coordinator_is_connected_others_wait_and_are_served_after_it(worker):
    with somebody(worker, uid=0, patience_seconds=5) as coordinator:
        assert was_answered(coordinator)
        with somebody(worker, uid=NOBODY, patience_seconds=30) as other:
            time.sleep(SILENCE_SECONDS)
            began = time.monotonic()
            coordinator.stdin.close()
            coordinator.wait(5)
            assert was_answered(other)
            assert time.monotonic() - began < 5


def test_while_a_coordinator_is_connected_nobody_else_is_answered(worker):
    with somebody(worker, uid=0, patience_seconds=5) as coordinator:
        assert was_answered(coordinator)
        with somebody(worker, uid=NOBODY, patience_seconds=SILENCE_SECONDS) as other:
            assert not was_answered(other)
