"""The finder as it is used: real sockets, real zeroconf, real tables, in the lab's network of five machines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.finding.examine import Ports
from engine.finding.network_finder import NetworkFinder
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.ports import RpcState
from engine.session.jobs import Token
from tests.engine.finding.talking_servers import NotingAsker, refused_port
from tests.fakes.llama_cpp.fake_rpc_server import fake_rpc_server

ROOT = Path(__file__).parents[3]
FIND = """
import json, sys, time
from pathlib import Path
from engine.finding.network_finder import NetworkFinder
from engine.finding.ways.ssh_names import SshName
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.processes.run_command import run_command
from engine.session.jobs import Token

def run(argv, seconds):
    return run_command(argv, seconds).stdout

HOSTS = json.loads(sys.argv[1])
finder = NetworkFinder(
    asker=SocketRpcAsker(), run=run, config_names=lambda: tuple(HOSTS), known_names=lambda: tuple(HOSTS.values()),
    resolve_ssh=lambda name: SshName(host=HOSTS[name]), own_name="desk", host_keys=frozenset,
    name_of=lambda address: None,
)
told, began = [], time.monotonic()
finder.find(told.append, wide=False, progress=lambda *_: None, token=Token())
found = [
    [one.name, one.addresses, [way.name for way in one.ways], one.target and one.target.text, one.this_machine]
    for one in told[-1]
]
json.dump({"seconds": time.monotonic() - began, "found": found}, sys.stdout)
"""


@pytest.mark.lab
def test_all_machines_of_the_lab_are_found(clean_lab):
    hosts = {host.name: host.address for host in clean_lab.hosts[:2]}
    argv = [*clean_lab.command_prefix(cwd=ROOT), "env", f"PYTHONPATH={ROOT}", sys.executable, "-W", "error", "-c", FIND]
    done = subprocess.run([*argv, json.dumps(hosts)], capture_output=True, text=True, env=dict(os.environ), timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout)
    found = {tuple(addresses): (name, target, this) for name, addresses, _ways, target, this in result["found"]}
    for host in clean_lab.hosts:
        name = host.name if host.name in hosts else host.address
        assert found[(host.address,)] == (name, name, False)
    assert found[(clean_lab.desk_address,)][2] is True
    ways = {name: ways for name, _addresses, ways, _target, _this in result["found"]}
    assert ways["lab1"] == ["SSH_CONFIG", "KNOWN_HOSTS", "NEIGHBOURS", "SWEEP"]
    assert result["seconds"] < 15


def test_without_any_network_the_persons_files_are_still_read():
    told = []
    finder = NetworkFinder(
        asker=NotingAsker(RpcState(state="other")),
        run=lambda argv, seconds: "",
        config_names=lambda: ("gpu",),
        known_names=tuple,
        addresses_of=lambda name: (),
        interfaces=tuple,
    )
    finder.find(told.append, wide=False, progress=lambda *_: None, token=Token())
    ((machine,),) = told
    assert (machine.name, machine.addresses, machine.target) == ("gpu", (), None)


@pytest.mark.parametrize("ours", [False, True])
def test_a_server_that_we_say_we_use_is_never_connected_to(ours):
    with fake_rpc_server() as server:
        finder = NetworkFinder(
            asker=SocketRpcAsker(),
            run=lambda argv, seconds: "",
            config_names=tuple,
            known_names=lambda: ("127.0.0.1",),
            addresses_of=lambda name: (name,),
            name_of=lambda address: None,
            interfaces=tuple,
            ports=Ports(ssh=refused_port(), rpc=(server.port,), ollama=refused_port()),
        )
        in_use = frozenset({f"127.0.0.1:{server.port}"}) if ours else frozenset()
        told = []
        finder.find(told.append, wide=False, progress=lambda *_: None, token=Token(), in_use=lambda: in_use)
        assert (server.served == 0) is ours
