"""One search: all ways side by side, results that grow, deadlines, cancel, and what is left alone."""

import threading
import time
from dataclasses import replace

import pytest

from engine.errors import Cancelled
from engine.finding import search as module
from engine.finding.examine import Ports
from engine.finding.search import Search, Surroundings
from engine.finding.sighting import Sighting
from engine.finding.ways.connect_all import PortState
from engine.finding.ways.local_networks import Interface
from engine.finding.ways.ssh_names import SshName, as_it_is
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.ports import RpcState
from engine.session.jobs import Token
from engine.vocabulary.found import FoundBy
from engine.vocabulary.remote import SshTarget
from tests.engine.finding.talking_servers import NotingAsker, refused_port, talking_server
from tests.fakes.llama_cpp.fake_rpc_server import fake_rpc_server

LAN = (Interface(name="eth0", address="10.9.0.2", prefix=24),)
NEIGH = '[{"dst":"10.9.0.7","lladdr":"02:00:00:00:00:07","state":["REACHABLE"]}]'
NOTHING = Surroundings(
    interfaces=tuple,
    own_name="desk",
    own_host_keys=frozenset,
    config_names=tuple,
    known_names=tuple,
    resolve_ssh=as_it_is,
    addresses_of=lambda name: (name,) if name[0].isdigit() else (),
    name_of=lambda address: None,
    browse_mdns=lambda on_sighting, token, addresses: None,
    run=lambda argv, seconds: "",
    asker=NotingAsker(RpcState(state="other")),
    host_key_of=None,
    in_use=frozenset,
    ports=Ports(),
)


@pytest.fixture
def reacting(monkeypatch):
    """What each endpoint does when it is connected to, without a socket; and who was connected to."""
    states, tried = {}, []

    def connect(endpoints, **_options):
        tried.extend(endpoints)
        return {endpoint: states.get(endpoint, PortState.SILENT) for endpoint in endpoints}

    monkeypatch.setattr("engine.finding.ways.sweep.connect_all", connect)
    monkeypatch.setattr("engine.finding.examine.connect_all", connect)
    states["tried"] = tried
    return states


def hang(released):
    released.wait(30)
    return ()


def search(around, *, wide=False, token=None):
    """Everything that was told, the last last."""
    told, fractions = [], []
    run = Search(around, told.append, lambda fraction, _detail: fractions.append(fraction), wide=wide)
    run.run(token or Token())
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    return told


def test_nothing_anywhere_is_told_as_nothing():
    assert search(NOTHING) == []


def test_a_name_of_the_configuration_with_a_server_behind_it():
    with talking_server(b"SSH-2.0-x\r\n", address="127.0.0.9") as server:
        around = replace(
            NOTHING,
            config_names=lambda: ("gpu",),
            resolve_ssh=lambda name: SshName(host="127.0.0.9", port=server.port),
            host_key_of=lambda address, port: f"SHA256:{port}",
        )
        (machine,) = search(around)[-1]
    assert (machine.name, machine.addresses, machine.target) == ("gpu", ("127.0.0.9",), SshTarget(host="gpu"))
    assert machine.host_key_fingerprint == f"SHA256:{server.port}"


def test_results_grow_while_a_dead_way_still_hangs(reacting):
    released, token = threading.Event(), Token()
    around = replace(NOTHING, known_names=lambda: hang(released), run=lambda *_: NEIGH)
    told = []

    def on_found(machines):
        told.append(machines)
        token.cancel()

    try:
        with pytest.raises(Cancelled):
            Search(around, on_found, lambda *_: None, wide=False).run(token)
    finally:
        released.set()
    assert [one.addresses for one in told[0]] == [("10.9.0.7",)]


def test_a_resolver_that_hangs_is_not_waited_for_beyond_its_deadline(monkeypatch):
    monkeypatch.setattr(module, "RESOLVE_SECONDS", 0.2)
    released = threading.Event()
    around = replace(NOTHING, known_names=lambda: ("a", "b"), addresses_of=lambda _: hang(released))
    began = time.monotonic()
    try:
        assert search(around) == []
        assert time.monotonic() - began < 10
    finally:
        released.set()


def test_the_sweep_and_the_table_find_one_machine(reacting):
    reacting[("10.9.0.7", 22)] = PortState.REFUSED
    around = replace(NOTHING, interfaces=lambda: LAN, run=lambda *_: NEIGH, name_of=lambda address: "printer.lan")
    (machine,) = search(around)[-1]
    assert (machine.name, machine.ways) == ("printer.lan", (FoundBy.NEIGHBOURS, FoundBy.SWEEP))
    assert reacting["tried"].count(("10.9.0.7", 22)) == 1, "what the sweep saw is not tried again"


def test_who_answers_on_no_port_is_in_the_table_after_the_sweep(reacting):
    texts = iter(["[]"])
    around = replace(NOTHING, interfaces=lambda: LAN, run=lambda *_: next(texts, NEIGH))
    (machine,) = search(around)[-1]
    assert (machine.addresses, machine.ways) == (("10.9.0.7",), (FoundBy.NEIGHBOURS,))


def test_larger_networks_only_when_asked(reacting):
    reacting[("10.9.1.7", 22)] = PortState.REFUSED
    around = replace(NOTHING, interfaces=lambda: (Interface(name="eth0", address="10.9.0.2", prefix=23),))
    assert search(around) == []
    (machine,) = search(around, wide=True)[-1]
    assert machine.addresses == ("10.9.1.7",)


def test_each_rpc_server_is_asked_once_though_it_was_found_in_three_ways(reacting):
    reacting[("10.9.0.7", 50052)] = PortState.OPEN
    asker = NotingAsker(RpcState(state="busy"))
    twice = Sighting(way=FoundBy.MDNS, addresses=("10.9.0.7",), name="gpu.local", answered=True)
    around = replace(
        NOTHING,
        interfaces=lambda: LAN,
        run=lambda *_: NEIGH,
        browse_mdns=lambda on_sighting, *_: [on_sighting(replace(twice, ssh_port=port)) for port in (22, 2222)],
        asker=asker,
    )
    (machine,) = search(around)[-1]
    assert asker.asked == [("10.9.0.7", 50052)]
    assert [one.state for one in machine.rpc_servers] == ["busy"]


def test_a_server_that_we_use_is_neither_swept_nor_asked(reacting):
    reacting[("10.9.0.7", 22)] = PortState.REFUSED
    asker = NotingAsker(RpcState(state="idle"))
    around = replace(NOTHING, interfaces=lambda: LAN, asker=asker, in_use=lambda: frozenset({"10.9.0.7:50052"}))
    (machine,) = search(around)[-1]
    assert ("10.9.0.7", 50052) not in reacting["tried"]
    assert asker.asked == [("10.9.0.7", 50053)]
    assert machine.rpc_servers[0].state == "busy"


def test_a_server_that_we_use_by_name_is_not_asked_either():
    with fake_rpc_server() as server:
        ports = Ports(ssh=refused_port(), rpc=(server.port,), ollama=refused_port())
        around = replace(
            NOTHING,
            known_names=lambda: ("127.0.0.1",),
            addresses_of=lambda name: ("127.0.0.1",),
            asker=SocketRpcAsker(),
            ports=ports,
            in_use=lambda: frozenset({f"gpu-node:{server.port}"}),
        )
        search(around)
        assert server.served == 0


def test_announcements_never_lead_us_out_of_our_networks(reacting):
    lie = Sighting(way=FoundBy.MDNS, addresses=("8.8.8.8",), name="gpu.local", answered=True)
    assert search(replace(NOTHING, browse_mdns=lambda on_sighting, *_: on_sighting(lie))) == []
    assert reacting["tried"] == []


def test_a_far_machine_of_our_files_is_asked_for_ssh_only(reacting):
    reacting[("8.8.4.4", 22)] = PortState.REFUSED
    search(replace(NOTHING, known_names=lambda: ("8.8.4.4",)))
    assert reacting["tried"] == [("8.8.4.4", 22)]


def test_this_machine_is_listed_as_such(reacting):
    reacting[("10.9.0.2", 22)] = PortState.REFUSED
    (machine,) = search(replace(NOTHING, interfaces=lambda: LAN))[-1]
    assert (machine.name, machine.this_machine) == ("desk", True)


def test_a_cancel_is_heard_at_once():
    token = Token()
    around = replace(NOTHING, browse_mdns=lambda on_sighting, job_token, addresses: (token.cancel(), job_token.wait(30)))
    began = time.monotonic()
    with pytest.raises(Cancelled):
        search(around, token=token)
    assert time.monotonic() - began < 5


def test_a_bug_in_a_way_is_not_hidden(caplog):
    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        search(replace(NOTHING, config_names=broken))
