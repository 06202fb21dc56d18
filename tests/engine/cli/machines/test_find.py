"""``crossplyctl find`` with a search that is made up: the table, the same as JSON, and a search that does not end."""

import json

import pytest

from engine.cli.machines import find
from engine.cli.main import main
from engine.errors import Cancelled
from engine.vocabulary.found import FoundBy, FoundMachine, FoundRpcServer
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.runtime import RpcProtocolVersion

V6 = RpcProtocolVersion(major=6, minor=0, patch=0)
GPU = FoundMachine(
    name="gpu-node",
    addresses=("10.0.0.7", "192.168.1.7"),
    ways=(FoundBy.SSH_CONFIG, FoundBy.SWEEP),
    target=SshTarget(host="gpu-node", user="ada"),
    host_key_fingerprint="SHA256:x",
    rpc_servers=(
        FoundRpcServer(
            address="10.0.0.7",
            port=50052,
            state="idle",
            protocol=V6,
            device_memory=((10**10, 12 * 10**9), (10**10, 12 * 10**9)),
        ),
        FoundRpcServer(address="10.0.0.7", port=50053, state="busy"),
    ),
)
DESK = FoundMachine(
    name="desk",
    addresses=("10.0.0.2",),
    ways=(FoundBy.SWEEP,),
    target=None,
    this_machine=True,
    ollama_url="http://10.0.0.2:11434",
)
INNER = FoundMachine(name="inner", addresses=(), ways=(FoundBy.SSH_CONFIG,), target=SshTarget(host="inner"))


class MadeUpSearch:
    """Tells of ``machines`` and then ends, or goes on for ever."""

    def __init__(self, *machines, ends=True):
        self.machines, self.ends, self.wide = machines, ends, None

    def find(self, on_found, *, wide, progress, token):
        self.wide = wide
        on_found(self.machines)
        progress(0.5, "half of it")
        while not self.ends:
            token.wait(60)


@pytest.fixture
def searched(monkeypatch):
    def made_up(*machines, ends=True):
        network = MadeUpSearch(*machines, ends=ends)
        monkeypatch.setattr(find, "real_outside", lambda: type("Outside", (), {"network": network}))
        return network

    return made_up


def test_the_table_says_who_is_there_and_how_to_add_one(searched, capsys):
    network = searched(DESK, GPU, INNER)
    assert main(["find"]) == 0
    text = capsys.readouterr().out
    assert not network.wide
    for words in (
        "desk (this machine)",
        "ada@gpu-node",
        "192.168.1.7",
        "~/.ssh/config",
        ":50052 idle rpc-server, RPC 6.0.0, 2 devices, 20.0 GB free of 24.0 GB",
        ":50053 rpc-server in use",
        "Ollama at http://10.0.0.2:11434",
        "does not answer",
        "unknown from here",
        "An Ollama cannot be a worker",
    ):
        assert words in text
    assert text.splitlines()[-1] == find.HOW_TO_ADD


def test_json_says_the_same(searched, capsys):
    searched(DESK, GPU)
    assert main(["find", "--json", "--wide"]) == 0
    desk, gpu = json.loads(capsys.readouterr().out)
    assert (desk["this_machine"], desk["ssh"], desk["ollama_url"]) == (True, None, "http://10.0.0.2:11434")
    assert gpu == {
        "name": "gpu-node",
        "addresses": ["10.0.0.7", "192.168.1.7"],
        "found_by": ["~/.ssh/config", "subnet sweep"],
        "ssh": "ada@gpu-node",
        "host_key": "SHA256:x",
        "this_machine": False,
        "rpc_servers": [
            {
                "endpoint": "10.0.0.7:50052",
                "state": "idle",
                "protocol": "6.0.0",
                "devices": [{"free_bytes": 10**10, "total_bytes": 12 * 10**9}] * 2,
            },
            {"endpoint": "10.0.0.7:50053", "state": "busy", "protocol": None, "devices": []},
        ],
        "ollama_url": None,
    }


def test_wide_is_handed_on(searched):
    network = searched()
    assert main(["find", "--wide"]) == 0
    assert network.wide is True


def test_when_its_seconds_are_over_what_was_found_is_shown(searched, capsys):
    searched(GPU, ends=False)
    assert main(["find", "--seconds", "1"]) == 0
    said = capsys.readouterr()
    assert "gpu-node" in said.out
    assert "ended after 1 seconds" in said.err


def test_nobody_found(searched, capsys):
    searched()
    assert main(["find"]) == 0
    assert "No machine was found" in capsys.readouterr().out


def test_the_deadline_is_a_token():
    token = find.Deadline(0.05)
    token.check()
    with pytest.raises(Cancelled):
        token.wait(30)
    assert token.cancelled
