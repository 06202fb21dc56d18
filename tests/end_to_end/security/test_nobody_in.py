"""The end-to-end guards can fail: they see a port that another machine reaches, and a file that another user reads."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from engine.settings.folders import DATA_VARIABLE
from tests.end_to_end.crossply_programs import crossplyctl, listening_addresses, processes_of, wait_until
from tests.end_to_end.security.nobody_in import ListenerWatch, is_of, open_to_others

LISTENS = """
import socket, sys, time
one = socket.socket(*{kind})
one.bind(("{address}", 0))
if one.type == socket.SOCK_STREAM:
    one.listen()
print(one.getsockname()[1], flush=True)
time.sleep(60)
"""
TCP, UDP, TCP6 = ("(socket.AF_INET, socket.SOCK_STREAM)", "(socket.AF_INET, socket.SOCK_DGRAM)",
                  "(socket.AF_INET6, socket.SOCK_STREAM)")  # fmt: skip


def watched(kind, address, environment):
    """What the watch saw of a program that listens there, started in a session of its own as by a double fork."""
    with ListenerWatch(lambda pid: is_of(pid, DATA_VARIABLE, environment[DATA_VARIABLE])) as watch:
        code = LISTENS.format(kind=kind, address=address)
        argv = ["setsid", "--fork", sys.executable, "-c", code]
        with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as process:
            port = int(process.stdout.readline())
            looks = watch.looks
            wait_until(lambda: watch.looks > looks + 1, 5, "it has looked")
            for left in processes_of(environment):
                left.kill()
    return port, watch.seen


@pytest.mark.opens_ports
@pytest.mark.parametrize(("kind", "address"), [(TCP, "0.0.0.0"), (UDP, "0.0.0.0"), (TCP6, "::")], ids=["tcp", "udp", "tcp6"])
def test_a_port_that_others_reach_is_seen_and_named(kind, address, data_folder):
    if kind == TCP6 and not socket.has_ipv6:
        kind, address = TCP, "0.0.0.0"
    port, seen = watched(kind, address, {**os.environ, DATA_VARIABLE: str(data_folder)})
    assert len(seen) == 1
    assert f":{port} " in next(iter(seen))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9"])
def test_a_port_on_the_loopback_is_not(address, data_folder):
    _, seen = watched(TCP, address, {**os.environ, DATA_VARIABLE: str(data_folder)})
    assert seen == set()


@pytest.mark.opens_ports
def test_a_port_of_somebody_else_is_not_ours(data_folder):
    with ListenerWatch(lambda pid: False) as watch, socket.create_server(("0.0.0.0", 0)):
        time.sleep(0.2)
    assert watch.seen == set()


def test_a_file_and_a_folder_that_others_may_use_are_seen(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir(mode=0o700)
    (folder / "key").touch(mode=0o600)
    assert open_to_others(folder) == []
    (folder / "key").chmod(0o604)
    (folder / "link").symlink_to("/etc/passwd")
    assert open_to_others(folder) == [f"0604 {folder}/key"]
    folder.chmod(0o701)
    assert open_to_others(folder, but=("key",)) == [f"0701 {folder}"]


@pytest.mark.real
def test_under_umask_000_every_path_is_ours_alone(crossply_up, moe, data_folder, app_environment):
    """A whole run: plan, launch, calibration, cache, run file, history. Looked at while it serves and afterwards."""
    running = crossply_up(moe, "--calibrate")
    running.wait_until_serving(180)
    during = [path for path in data_folder.rglob("*") if path.is_file()]
    assert {"run.json", "run.lock"} <= {path.name for path in during}
    assert open_to_others(data_folder) == []
    assert {address for address, _ in listening_addresses(processes_of(app_environment))} == {"127.0.0.1"}
    assert running.end() == 0
    assert open_to_others(data_folder) == []


@pytest.mark.real
def test_folders_that_an_older_crossply_left_open_are_closed(app_environment, data_folder):
    for folder in (data_folder, *(data_folder / name for name in ("state", "logs", "cache"))):
        folder.mkdir()
        folder.chmod(0o755)
    assert crossplyctl(app_environment, "status").returncode == 5
    assert open_to_others(data_folder) == [f"0755 {data_folder}"]  # a person named it
    data_folder.chmod(0o700)
