from __future__ import annotations

import pytest

from engine.machines.file_trees import SentFiles
from engine.machines.remote_probe.sent.sent_network import sent_addresses, sent_ports
from engine.vocabulary.remote import NetworkAddress
from tests.engine.machines.remote_probe.sent_documents import DOCUMENTED, macos_said

IP = """1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 10.1.2.3/24 brd 10.1.2.255 scope global eth0\\       valid_lft forever
2: eth0    inet 10.1.2.4/24 scope global secondary eth0:1\\       valid_lft forever
5: veth1@if4    inet 172.17.0.1 peer 172.17.0.2/32 scope global veth1\\   valid_lft forever
6: evil\x1b    inet 999.1.1.1/8
"""
SPEEDS = SentFiles({"/sys/class/net/eth0/speed": "10000\n", "/sys/class/net/veth1/speed": "-1\n"})


def test_addresses_of_ip_with_speed():
    assert sent_addresses({"ip_addr": IP}, SPEEDS) == (
        NetworkAddress(interface="eth0", address="10.1.2.3", mbit_per_second=10000),
        NetworkAddress(interface="eth0", address="10.1.2.4", mbit_per_second=10000),
        NetworkAddress(interface="veth1", address="172.17.0.1"),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("remote-machines/ifconfig-net-tools-1.txt", ("eth0", "192.0.2.41")),
        ("remote-machines/ifconfig-net-tools-2.txt", ("enp3s0", "192.0.2.42")),
        ("macos/ifconfig.txt", ("en0", "192.0.2.40")),
    ],
)
def test_addresses_of_every_ifconfig(name, expected):
    found = sent_addresses({"ifconfig": (DOCUMENTED / name).read_text()}, SentFiles({}))
    assert [(one.interface, one.address) for one in found] == [expected]


def test_ports_of_the_kernel_and_of_netstat():
    assert sent_ports({"tcp_listening": "0100007F:C384\n00000000:0016\n000:0000\nnonsense\n0:FFFFF"}) == (22, 50052)
    assert sent_ports(macos_said()) == (22, 50052)
    assert sent_ports({}) == ()
