"""Workers that are left running on remote machines: found again, adopted, and stopped when that is asked for."""

from __future__ import annotations

import signal

import pytest

from tests.end_to_end.crossply_programs import wait_until
from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    clean_lab.known_hosts()
    return Desk(clean_lab, runtime, tmp_path)


def workers_on(host):
    """Process ids of its rpc-servers."""
    return sorted(process.pid for process in host.of_user() if "rpc-server" in " ".join(process.argv[:1]))


def serve_and_end(desk, model, number):
    """One ``up --keep-running`` from launch to its end; the rpc-servers that ran meanwhile, and those after it."""
    with desk.up(model, "--keep-running") as running:
        assert running.wait_until_serving()["map"]["matches"]
        during = [workers_on(host) for host in desk.lab.hosts]
        assert all(len(pids) == 2 for pids in during)
        running.end(number)
    return during


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["quit", "killed"])
def test_they_outlive_us_and_are_adopted_and_stopped(desk, llama_40, number):
    hosts = desk.lab.hosts
    first = serve_and_end(desk, llama_40, number)
    assert [workers_on(host) for host in hosts] == first
    assert all(host.exposed() == [] for host in hosts)
    told = desk.json_of("doctor", "--machine", "lab1")
    [left] = [row for row in told if row["question"] == "left running"]
    assert "process" in left["answer"]
    assert serve_and_end(desk, llama_40, signal.SIGTERM) == first
    for host in hosts:
        done = desk.do("machine", "stop", host.name)
        assert "2 workers were stopped" in done.stdout, done.stderr
        assert [path for path in host.files() if "/kept/" in path] == []
    wait_until_hosts_are_as_before(desk.lab)


def test_what_is_left_is_stopped_when_a_machine_is_removed(desk, llama_40):
    serve_and_end(desk, llama_40, signal.SIGTERM)
    host = desk.lab.hosts[0]
    assert desk.do("machine", "remove", host.name).returncode == 0
    wait_until(lambda: not host.of_user(), 10, "nothing runs there")
    assert [path for path in host.files() if "crossply" in path] == []
    for other in desk.lab.hosts[1:]:
        assert desk.do("machine", "stop", other.name).returncode == 0
    wait_until_hosts_are_as_before(desk.lab)
