"""Faults on the way: each has its one sentence, in bounded time, and leaves nothing on any host."""

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
    with desk.up(llama_40) as running:
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
