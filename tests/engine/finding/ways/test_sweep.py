"""The sweep: slices, what is left out, and a real /24 in a network namespace where 20 of 254 addresses live."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from engine.errors import Cancelled
from engine.finding.sighting import HostSeen
from engine.finding.ways import sweep as module
from engine.finding.ways.connect_all import PortState
from engine.finding.ways.sweep import hosts_of, sweep
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled
from tests.lab.pytest_lab import _give_up

ROOT = Path(__file__).parents[4]
LIVE = ["10.77.0.1", *(f"10.77.0.{number}" for number in range(10, 200, 10))]
NETWORKS = (IPv4Network("10.1.0.0/30"), IPv4Network("10.1.1.0/30"))


@pytest.fixture
def everybody_refuses(monkeypatch):
    """No socket: who is connected to, and everybody refuses."""
    tried = []

    def refuse(endpoints, **_options):
        tried.extend(endpoints)
        return dict.fromkeys(endpoints, PortState.REFUSED)

    monkeypatch.setattr(module, "connect_all", refuse)
    return tried


def swept_by(token, leave_out=frozenset):
    swept = []
    sweep(NETWORKS, (22, 50052), leave_out=leave_out, on_swept=swept.append, token=token, period_seconds=0)
    return swept


def test_every_address_on_every_port_slice_by_slice(everybody_refuses):
    swept = swept_by(NeverCancelled())
    assert [(one.network, one.fraction) for one in swept] == [(NETWORKS[0], 0.5), (NETWORKS[1], 1.0)]
    assert [host.address for host in swept[0].hosts] == ["10.1.0.1", "10.1.0.2"]
    assert everybody_refuses[:4] == [("10.1.0.1", 22), ("10.1.0.2", 22), ("10.1.0.1", 50052), ("10.1.0.2", 50052)]


def test_what_is_in_use_is_not_touched(everybody_refuses):
    swept_by(NeverCancelled(), lambda: frozenset({("10.1.0.2", 50052)}))
    assert ("10.1.0.2", 50052) not in everybody_refuses
    assert len(everybody_refuses) == 7


def test_a_cancel_ends_it_between_two_slices(everybody_refuses):
    with pytest.raises(Cancelled):
        swept_by(CancelledWhen(lambda: bool(everybody_refuses)))
    assert len(everybody_refuses) == 4


def test_addresses_that_never_react_are_no_hosts():
    states = {("10.0.0.1", 22): PortState.SILENT, ("10.0.0.2", 22): PortState.OPEN, ("10.0.0.2", 9): PortState.REFUSED}
    assert hosts_of(states.items()) == (
        HostSeen(address="10.0.0.2", open_ports=frozenset({22}), refused_ports=frozenset({9})),
    )


SWEEP_IT = """
import json, sys, time
from ipaddress import IPv4Network
from engine.finding.ways.sweep import sweep_slice
from tests.fakes.cancel_tokens import NeverCancelled
began = time.monotonic()
hosts = sweep_slice(IPv4Network("10.77.0.0/24"), (22, 50052, 50053, 11434), frozenset(), NeverCancelled())
json.dump({"seconds": time.monotonic() - began, "found": [host.address for host in hosts]}, sys.stdout)
"""


@pytest.fixture
def two_namespaces(lab_problem):
    """The names of two network namespaces joined by a cable: one address in the first, 19 of the same /24 in the other."""
    if lab_problem is not None:
        _give_up(lab_problem)
    names = (f"xpf{os.getpid()}a", f"xpf{os.getpid()}b")
    with ExitStack() as undo:
        for name in names:
            ip("netns", "add", name)
            undo.callback(ip, "netns", "del", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", "eth0", "netns", names[0], "type", "veth", "peer", "name", "eth0", "netns", names[1])
        for address in LIVE:
            ip("-n", names[0 if address == LIVE[0] else 1], "addr", "add", f"{address}/24", "dev", "eth0")
        for name in names:
            ip("-n", name, "link", "set", "eth0", "up")
        yield names


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.mark.lab
@pytest.mark.parametrize("most_files", [1024, 4096])
def test_a_real_network_is_swept_in_time_with_every_live_host_found(two_namespaces, most_files):
    command = f'ulimit -n {most_files} && exec "$0" -c "$1"'
    shell = ["ip", "netns", "exec", two_namespaces[0], "sh", "-c", command, sys.executable, SWEEP_IT]
    done = subprocess.run(shell, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert sorted(result["found"]) == sorted(LIVE)
    assert result["seconds"] < 2, "0.53 s on a quiet machine of two cores"
