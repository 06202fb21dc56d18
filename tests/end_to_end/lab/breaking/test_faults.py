"""Faults on the way, where nothing shall start again: each has its one sentence, in bounded time, and leaves nothing on any
host."""

from __future__ import annotations

import time

import pytest

from tests.end_to_end.crossply_programs import wait_until
from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    return Desk(clean_lab, runtime, tmp_path)


def test_sshd_killed_while_serving_ends_the_run_and_names_the_machine(desk, llama_40):
    host = desk.lab.hosts[1]
    with desk.up(llama_40, "--recovery", "never") as running:
        assert running.wait_until_serving()["map"]["matches"]
        host.kill_sshd()
        began = time.monotonic()
        wait_until(lambda: running.process.poll() is not None, 60, "up has ended")
        assert running.process.returncode != 0
        assert host.name in running.said, running.said
        assert time.monotonic() - began < 45
        assert "Traceback" not in running.said
    wait_until_hosts_are_as_before(desk.lab, 20)


def test_a_changed_host_key_is_refused_with_both_fingerprints(desk, llama_40):
    host = desk.lab.hosts[0]
    desk.lab.known_hosts()
    old = host.fingerprint()
    host.change_host_key()
    done = desk.do("plan", str(llama_40), "--machine", "lab1")
    assert done.returncode != 0
    assert old in done.stderr
    assert host.fingerprint() in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_said_before_anything_is_copied(desk, llama_40):
    desk.lab.hosts[2].leave_free(20)
    names = ["--machine", "lab3", "--accept-host-key", desk.lab.hosts[2].fingerprint()]
    done = desk.do("machine", "copy-runtime", "lab3", *names[2:])
    assert done.returncode != 0
    assert "free" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_that_hangs_is_given_up_and_named(desk, llama_40):
    host = desk.lab.hosts[0]
    host.hangs_after_connect()
    began = time.monotonic()
    done = desk.do("plan", str(llama_40), "--machine", "lab1", "--wait-seconds", "8")
    assert time.monotonic() - began < 45
    assert done.returncode != 0
    assert "lab1" in done.stderr
    assert "Traceback" not in done.stderr


def workers_of(host):
    """Its rpc-servers."""
    return [process.pid for process in host.of_user() if "rpc-server" in " ".join(process.argv[:1])]


def test_a_cable_pulled_while_it_loads_ends_the_run_and_the_host_lets_go(desk, gemma_model):
    host = desk.lab.hosts[2]
    host.slow(60)
    try:
        with desk.up(gemma_model, "--recovery", "never") as running:
            wait_until(lambda: workers_of(host), 120, "its worker runs")
            time.sleep(4)  # loading
            host.cable_out()
            began = time.monotonic()
            wait_until(lambda: running.process.poll() is not None, 60, "up has ended")
            assert time.monotonic() - began < 60
            assert running.process.returncode != 0
            assert host.name in running.said, running.said
            assert "Traceback" not in running.said
        # The program that streams its load has no leash: it ends when the cable is back, or when TCP gives up.
        wait_until(lambda: not workers_of(host), 25, "the leash lets go of the silent host's workers")
    finally:
        host.cable_in()
        host.slow(None)
    wait_until_hosts_are_as_before(desk.lab, 20)


def test_a_port_that_someone_else_uses_is_passed_over_and_left_alone(desk, llama_40):
    host = desk.lab.hosts[0]
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', 50052)); print('up', flush=True); time.sleep(300)"
    host.run(["sh", "-c", f'setsid python3 -c "{listen}" </dev/null >/dev/null 2>&1 &'])
    wait_until(lambda: ("127.0.0.1", 50052) in host.listening(), 10, "someone else listens")
    (stranger,) = [process.pid for process in host.of_user()]
    with desk.up(llama_40) as running:
        state = running.wait_until_serving()
        assert state["map"]["matches"]
        ports = [forward["remote_port"] for tunnel in state["tunnels"] for forward in tunnel["forwards"]]
        assert len(ports) == 8
        assert [forward["remote_port"] for forward in state["tunnels"][0]["forwards"]] == [50053, 50054]
    wait_until(lambda: [process.pid for process in host.of_user()] == [stranger], 10, "only the other one is left")
