"""Records of a service's workers, as a Crossply that logs in reads them: with the real program that lists them."""

import json
import os
import subprocess
import sys

import msgspec
import pytest

from engine.run_files.offered_workers import OfferedWorker, publish, say_how_it_ended, withdraw
from engine.ssh.leashed.keep_programs import list_order
from engine.ssh.leashed.leash_programs import PYTHON_COMMAND
from engine.vocabulary.remote import KeptProcess


@pytest.fixture
def running():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def offered(pid):
    argv = ("/usr/lib/crossply/ggml-rpc-server", "-H", "127.0.0.1", "-p", "50052")
    return OfferedWorker(
        process_id="rpc-server 127.0.0.1:50052", pid=pid, argv=argv, keeper_pid=os.getpid(), started_by="the service"
    )


def listed(data_folder):
    order = list_order(str(data_folder))
    done = subprocess.run(["sh", "-c", PYTHON_COMMAND], input=order, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=tuple[KeptProcess, ...])


def test_who_logs_in_finds_it_with_its_command_line(tmp_path, running):
    name = publish(tmp_path / "kept", offered(running.pid))
    (found,) = listed(tmp_path)
    assert (found.name, found.pid, found.started_by) == (name, running.pid, "the service")
    assert found.argv == offered(1).argv
    record = tmp_path / "kept" / f"{name}.json"
    assert record.stat().st_mode & 0o077 == 0
    assert json.loads(record.read_text())["group"] == os.getpid()


def test_one_that_has_ended_is_not_offered(tmp_path, running):
    publish(tmp_path / "kept", offered(running.pid))
    running.kill()
    running.wait()
    assert listed(tmp_path) == ()


def test_withdrawn_it_leaves_nothing(tmp_path, running):
    name = publish(tmp_path / "kept", offered(running.pid))
    say_how_it_ended(tmp_path / "kept", name, -15)
    assert json.loads((tmp_path / "kept" / f"{name}.ended").read_text()) == {"code": -15}
    withdraw(tmp_path / "kept", name)
    assert list((tmp_path / "kept").iterdir()) == []
    withdraw(tmp_path / "kept", name)
