"""What one address is asked, and what it is never asked."""

import pytest

from engine.errors import MachineUnreachable, RpcServerUnusable
from engine.finding import examine as module
from engine.finding.examine import Examination, Examiner, Ports
from engine.finding.sighting import AddressAnswered, HostSeen, OllamaSeen, RpcSeen, SshSeen
from engine.finding.ways.connect_all import PortState
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.ports import RpcState
from engine.vocabulary.found import FoundRpcServer
from engine.vocabulary.runtime import RpcProtocolVersion
from tests.engine.finding.talking_servers import NotingAsker, refused_port, talking_server
from tests.engine.finding.test_greetings import OLLAMA
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.llama_cpp.fake_rpc_server import fake_rpc_server

HERE = "127.0.0.1"
IDLE = RpcState(state="idle")


def examine(ports, asker=None, *, host_key_of=None, in_use=(), near=True, seen=None):
    examiner = Examiner(
        ports=ports, asker=asker or NotingAsker(IDLE), host_key_of=host_key_of, is_in_use=lambda endpoint: endpoint in in_use
    )
    facts = []
    wanted = Examination(address=HERE, ssh_ports=(ports.ssh,), near=near, seen=seen or HostSeen(address=HERE))
    examiner.examine(wanted, facts.append, NeverCancelled())
    return facts


def ports_with(**options):
    return Ports(**{"ssh": refused_port(), "rpc": (refused_port(),), "ollama": refused_port(), **options})


@pytest.fixture
def reacting(monkeypatch):
    """What each port does when it is connected to, without a socket."""
    states = {}

    def connect(endpoints, **_options):
        return {endpoint: states.get(endpoint[1], PortState.SILENT) for endpoint in endpoints}

    monkeypatch.setattr(module, "connect_all", connect)
    return states


def test_an_idle_rpc_server_of_any_version():
    for version in ((1, 0, 0), (4, 0, 1), (7, 0, 0)):
        with fake_rpc_server(version, devices=((5, 8),)) as server:
            facts = examine(ports_with(rpc=(server.port,)), SocketRpcAsker())
        protocol = RpcProtocolVersion(major=version[0], minor=version[1], patch=version[2])
        found = FoundRpcServer(address=HERE, port=server.port, state="idle", protocol=protocol, device_memory=((5, 8),))
        assert facts == [AddressAnswered(address=HERE), RpcSeen(server=found)]


def test_a_server_that_we_use_is_not_even_connected_to():
    with fake_rpc_server() as server:
        asker = NotingAsker(IDLE)
        facts = examine(ports_with(rpc=(server.port,)), asker, in_use={(HERE, server.port)})
        assert server.served == 0
    assert asker.asked == []
    assert RpcSeen(server=FoundRpcServer(address=HERE, port=server.port, state="busy")) in facts


def test_other_software_is_called_that():
    with talking_server(b"hello") as server:
        facts = examine(ports_with(rpc=(server.port,)), SocketRpcAsker())
    assert facts[-1] == RpcSeen(server=FoundRpcServer(address=HERE, port=server.port, state="other"))


def test_who_left_meanwhile_is_not_listed():
    port = refused_port()
    seen = HostSeen(address=HERE, open_ports=frozenset({port}))
    assert examine(ports_with(rpc=(port,)), SocketRpcAsker(), seen=seen) == [AddressAnswered(address=HERE)]


def test_a_silent_port_beside_a_refusing_one_is_a_full_queue(reacting):
    reacting.update({22: PortState.REFUSED})
    asker = NotingAsker(RpcServerUnusable("no reaction"))
    facts = examine(Ports(), asker)
    assert asker.asked == [(HERE, 50052), (HERE, 50053)]
    assert [fact.server.state for fact in facts if isinstance(fact, RpcSeen)] == ["busy", "busy"]


def test_behind_a_firewall_that_drops_all_nothing_is_said(reacting):
    asker = NotingAsker(IDLE)
    assert examine(Ports(), asker) == []
    assert asker.asked == []


def test_a_machine_that_is_far_is_asked_for_ssh_only(reacting):
    reacting.update(dict.fromkeys((22, 50052, 50053, 11434), PortState.OPEN))
    asker = NotingAsker(IDLE)
    facts = examine(Ports(), asker, near=False, host_key_of=lambda address, port: "SHA256:x")
    assert facts == [AddressAnswered(address=HERE), SshSeen(endpoint=(HERE, 22), fingerprint="SHA256:x")]
    assert asker.asked == []


def test_what_the_sweep_learnt_is_not_tried_again():
    with talking_server(b"SSH-2.0-x\r\n") as server:
        seen = HostSeen(address=HERE, open_ports=frozenset({server.port}))
        facts = examine(ports_with(ssh=server.port), seen=seen)
        assert server.connections == 1, "only to read its banner"
    assert facts == [AddressAnswered(address=HERE), SshSeen(endpoint=(HERE, server.port), fingerprint=None)]


def test_a_server_whose_key_was_shown_is_not_connected_to_again(reacting, monkeypatch):
    reacting.update({22: PortState.OPEN})
    monkeypatch.setattr(module, "speaks_ssh", lambda endpoint: pytest.fail("asked for its banner too"))
    facts = examine(Ports(), host_key_of=lambda address, port: f"SHA256:{address}:{port}")
    assert facts[-1] == SshSeen(endpoint=(HERE, 22), fingerprint=f"SHA256:{HERE}:22")


def test_without_a_key_the_banner_will_do():
    with talking_server(b"SSH-2.0-x\r\n") as server:
        facts = examine(ports_with(ssh=server.port), host_key_of=lambda address, port: None)
    assert facts[-1] == SshSeen(endpoint=(HERE, server.port), fingerprint=None)


def test_a_server_that_shows_no_key_to_us_has_its_banner(reacting, monkeypatch):
    def refuse(address, port):
        raise MachineUnreachable("no common algorithm")

    reacting.update({22: PortState.OPEN})
    monkeypatch.setattr(module, "speaks_ssh", lambda endpoint: True)
    assert examine(Ports(), host_key_of=refuse)[-1] == SshSeen(endpoint=(HERE, 22), fingerprint=None)


def test_a_web_server_on_the_ssh_port_is_no_ssh_server():
    with talking_server(b"HTTP/1.0 400 Bad Request\r\n\r\n") as server:
        assert examine(ports_with(ssh=server.port)) == [AddressAnswered(address=HERE)]


def test_an_ollama_is_found():
    with talking_server(OLLAMA, waits=True, closes=True) as server:
        facts = examine(ports_with(ollama=server.port), seen=HostSeen(address=HERE, open_ports=frozenset({server.port})))
    assert facts[-1] == OllamaSeen(address=HERE, url=f"http://{HERE}:{server.port}")
