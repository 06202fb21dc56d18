"""A machine that was found in five ways is one machine; what is silent is not listed; lies join nothing."""

import random

from engine.finding.merging.merge import Evidence, machines_of
from engine.finding.sighting import AddressAnswered, NameSeen, OllamaSeen, RpcSeen, Sighting, SshSeen
from engine.vocabulary.found import FoundBy, FoundRpcServer
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.runtime import RpcProtocolVersion

ETH, WIFI, SIX = "10.0.0.7", "192.168.1.7", "fd00::7"
V6 = RpcProtocolVersion(major=6, minor=0, patch=0)


def sighting(way, *addresses, **options):
    return Sighting(way=way, addresses=addresses, **options)


def swept(*addresses):
    return [sighting(FoundBy.SWEEP, address, answered=True) for address in addresses]


def machines(sightings=(), facts=(), **own):
    evidence = Evidence(**own)
    for one in sightings:
        evidence.add_sighting(one)
    for fact in facts:
        evidence.add(fact)
    return machines_of(evidence)


FIVE_WAYS = [
    sighting(FoundBy.SSH_CONFIG, ETH, name="gpu", target=SshTarget(host="gpu")),
    sighting(FoundBy.KNOWN_HOSTS, WIFI, name="gpu.lab", target=SshTarget(host="gpu.lab")),
    sighting(FoundBy.MDNS, WIFI, SIX, name="gpu1.local", answered=True),
    sighting(FoundBy.NEIGHBOURS, ETH, mac="02:00:00:00:00:07"),
    sighting(FoundBy.NEIGHBOURS, SIX, mac="02:00:00:00:00:07", answered=True),
    *swept(ETH, WIFI),
]
SSH = [SshSeen(endpoint=(address, 22), fingerprint="SHA256:gpu") for address in (ETH, WIFI)]


def test_five_ways_one_machine():
    (machine,) = machines(FIVE_WAYS, SSH)
    assert machine.name == "gpu"
    assert machine.addresses == (ETH, WIFI, SIX)
    assert machine.ways == tuple(FoundBy)
    assert machine.target == SshTarget(host="gpu")
    assert machine.host_key_fingerprint == "SHA256:gpu"


def test_also_without_keys_by_address_and_hardware_address():
    (machine,) = machines(FIVE_WAYS, [SshSeen(endpoint=(ETH, 22), fingerprint=None)])
    assert machine.addresses == (ETH, WIFI, SIX)


def test_the_order_of_finding_does_not_matter():
    wanted = machines(FIVE_WAYS, SSH)
    for seed in range(20):
        shuffled = random.Random(seed).sample(FIVE_WAYS, len(FIVE_WAYS))
        assert machines(shuffled, SSH) == wanted


def test_two_machines_behind_one_address_stay_two():
    names = [
        sighting(FoundBy.SSH_CONFIG, ETH, name=f"vm{n}", ssh_port=n, target=SshTarget(host=f"vm{n}")) for n in (2201, 2202)
    ]
    keys = [SshSeen(endpoint=(ETH, n), fingerprint=f"SHA256:{n}") for n in (2201, 2202)]
    assert [(one.name, one.target.text) for one in machines(names, keys)] == [("vm2201", "vm2201"), ("vm2202", "vm2202")]


def test_a_machine_that_claims_the_name_of_another_does_not_become_it():
    both = [sighting(FoundBy.MDNS, address, name="gpu.local", answered=True) for address in (ETH, WIFI)]
    keys = [SshSeen(endpoint=(ETH, 22), fingerprint="SHA256:a"), SshSeen(endpoint=(WIFI, 22), fingerprint="SHA256:b")]
    assert [one.target.text for one in machines(both, keys)] == [ETH, WIFI]


def test_the_same_name_of_the_resolver_is_the_same_machine():
    names = [NameSeen(address=address, name="gpu.lab") for address in (ETH, WIFI)]
    (machine,) = machines(swept(ETH, WIFI), names)
    assert (machine.name, machine.addresses) == ("gpu.lab", (ETH, WIFI))


def test_a_router_that_answers_for_others_joins_nobody():
    there = [sighting(FoundBy.NEIGHBOURS, f"10.0.0.{n}", mac="02:00:00:00:00:01", answered=True) for n in range(1, 12)]
    assert len(machines(there)) == 11


def test_what_is_silent_is_not_listed_unless_the_person_wrote_it_down():
    silent = [
        sighting(FoundBy.KNOWN_HOSTS, ETH, name="old.lab", target=SshTarget(host="old.lab")),
        sighting(FoundBy.NEIGHBOURS, "10.0.0.9", mac="02:00:00:00:00:09"),
        sighting(FoundBy.SSH_CONFIG, WIFI, name="off", target=SshTarget(host="off")),
        sighting(FoundBy.SSH_CONFIG, name="gone", target=SshTarget(host="gone")),
        sighting(FoundBy.SSH_CONFIG, name="inner", target=SshTarget(host="inner"), behind_jump_host=True),
    ]
    assert [(one.name, one.target and one.target.text) for one in machines(silent)] == [
        ("gone", None),
        ("inner", "inner"),
        ("off", None),
    ]


def test_who_answers_without_ssh_cannot_be_added():
    (machine,) = machines(swept(ETH))
    assert (machine.name, machine.target) == (ETH, None)


def test_a_known_host_is_called_by_its_known_name_and_port():
    known = sighting(FoundBy.KNOWN_HOSTS, ETH, name="gpu.lab", ssh_port=2222, target=SshTarget(host="gpu.lab", port=2222))
    (machine,) = machines([known], [AddressAnswered(address=ETH), SshSeen(endpoint=(ETH, 2222), fingerprint=None)])
    assert machine.target == SshTarget(host="gpu.lab", port=2222)


def test_an_announced_port_is_in_the_target():
    there = sighting(FoundBy.MDNS, ETH, name="pi.local", ssh_port=2022, answered=True)
    (machine,) = machines([there], [SshSeen(endpoint=(ETH, 2022), fingerprint=None)])
    assert machine.target == SshTarget(host=ETH, port=2022)


def test_rpc_servers_and_ollama_belong_to_their_machine_once_each():
    facts = [
        RpcSeen(server=FoundRpcServer(address=address, port=port, state="idle", protocol=V6, device_memory=((free, 8),)))
        for address, port, free in ((WIFI, 50052, 5), (ETH, 50052, 4), (ETH, 50053, 5))
    ]
    (machine,) = machines(FIVE_WAYS, [*SSH, *facts, OllamaSeen(address=ETH, url="http://10.0.0.7:11434")])
    assert [(one.address, one.port) for one in machine.rpc_servers] == [(ETH, 50052), (ETH, 50053)]
    assert machine.ollama_url == "http://10.0.0.7:11434"


def test_this_machine_is_known_by_its_addresses_and_its_key():
    own = machines(swept(ETH, WIFI, "10.0.0.8"), own_addresses=frozenset({ETH, WIFI}), own_name="desk")
    assert [(one.name, one.addresses, one.this_machine) for one in own] == [
        ("10.0.0.8", ("10.0.0.8",), False),
        ("desk", (ETH, WIFI), True),
    ]
    key = SshSeen(endpoint=("10.0.0.9", 22), fingerprint="SHA256:own")
    assert machines(swept("10.0.0.9"), [key], own_host_keys=frozenset({"SHA256:own"}))[0].this_machine


def test_a_virtual_machine_behind_a_port_of_ours_is_not_this_machine():
    vm = sighting(FoundBy.SSH_CONFIG, "127.0.0.1", name="vm", ssh_port=2222, target=SshTarget(host="vm"))
    facts = [AddressAnswered(address="127.0.0.1"), SshSeen(endpoint=("127.0.0.1", 2222), fingerprint="SHA256:vm")]
    (machine,) = machines([vm], facts, own_addresses=frozenset({"127.0.0.1"}), own_host_keys=frozenset({"SHA256:own"}))
    assert (machine.this_machine, machine.addresses) == (False, ("127.0.0.1",))


def test_sorted_by_name_then_by_number():
    found = machines(
        swept("10.0.0.10", "10.0.0.9"), [NameSeen(address="10.0.0.10", name="B"), NameSeen(address="10.0.0.9", name="a")]
    )
    assert [one.name for one in found] == ["a", "B"]
    cards = [sighting(FoundBy.MDNS, address, name="x", answered=True) for address in ("10.0.0.10", "10.0.0.9")]
    assert [one.addresses for one in machines(cards)] == [("10.0.0.9",), ("10.0.0.10",)]
