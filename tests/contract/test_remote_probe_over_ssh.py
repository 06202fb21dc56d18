"""Looking at a machine, finding free ports there and watching its load, through a real sshd."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.errors import Cancelled, MachineUnreachable
from engine.machines.remote_probe.free_ports import free_ports
from engine.machines.remote_probe.remote_look import look
from engine.machines.remote_probe.sent.probe_answer import facts_of, machine_of
from engine.machines.remote_probe.watch_load import watch_load
from engine.remote_ports import RemoteShell
from engine.vocabulary.machine import MachineLoad
from tests.engine.runtimes.remote.real_login import logged_in
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled
from tests.fakes.ssh.private_sshd import PrivateSshd, private_sshd


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[PrivateSshd]:
    with private_sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, sshd: PrivateSshd) -> Iterator[RemoteShell]:
    with logged_in(sshd, tmp_path) as connected:
        yield connected


def test_a_look(shell: RemoteShell, sshd: PrivateSshd) -> None:
    started = time.monotonic()
    answer = look(shell, NeverCancelled())
    assert time.monotonic() - started < 10
    assert answer.has_python
    assert answer.user == sshd.user
    assert sshd.port in answer.listening_ports
    assert facts_of(answer, shell.host_key.fingerprint).identity.host_key_fingerprint.startswith("SHA256:")


def test_free_ports(shell: RemoteShell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert port not in free_ports(shell, port, 3)


def started_by(sshd: PrivateSshd) -> list[psutil.Process]:
    """What runs for the connections, without sshd's own processes."""
    found = psutil.Process(sshd.pid).children(recursive=True)
    return [process for process in found if not process.name().startswith("sshd")]


@pytest.mark.parametrize("has_python", [True, False])
def test_a_cancelled_watch_leaves_nothing_running(shell: RemoteShell, sshd: PrivateSshd, has_python: bool) -> None:
    machine = machine_of(look(shell, NeverCancelled()), None)
    loads: list[MachineLoad] = []
    with pytest.raises(Cancelled):
        watch_load(shell, machine, has_python, loads.append, CancelledWhen(lambda: bool(loads)))
    psutil.wait_procs(started_by(sshd), timeout=5)
    assert started_by(sshd) == []


@pytest.mark.parametrize("has_python", [True, False])
def test_a_cut_connection_ends_the_watch_on_both_sides(shell: RemoteShell, sshd: PrivateSshd, has_python: bool) -> None:
    machine = machine_of(look(shell, NeverCancelled()), None)
    theirs: list[psutil.Process] = []

    def cut(_: MachineLoad) -> None:
        theirs.extend(started_by(sshd))
        for pid in sshd.session_pids():
            for process in [psutil.Process(pid), *psutil.Process(pid).children()]:
                if process.name().startswith("sshd"):
                    process.kill()

    with pytest.raises(MachineUnreachable):
        watch_load(shell, machine, has_python, cut, NeverCancelled())
    assert theirs
    _, left = psutil.wait_procs(theirs, timeout=8)
    assert left == []
