"""Which networks are swept: private ones, slices of at most 256, no bridges of containers."""

from ipaddress import IPv4Network

import pytest

from engine.finding.ways.local_networks import (
    Interface,
    far_networks,
    is_near,
    local_interfaces,
    near_networks,
    real_interfaces,
)


def interface(name, text):
    address, _, prefix = text.partition("/")
    return Interface(name=name, address=address, prefix=int(prefix))


LOOPBACK = interface("lo", "127.0.0.1/8")
LAN = interface("eth0", "192.168.1.20/24")
DOCKER = interface("docker0", "172.17.0.1/16")
CAMPUS = interface("eth1", "10.4.7.9/22")


def test_the_real_ones_of_this_machine_can_be_read():
    found = local_interfaces()
    assert any(one.address == "127.0.0.1" and one.prefix == 8 for one in found)
    assert all(one.network for one in found)


def test_a_small_network_is_swept_whole():
    assert near_networks([LOOPBACK, LAN]) == (IPv4Network("192.168.1.0/24"),)
    assert far_networks([LOOPBACK, LAN]) == ()


def test_of_a_larger_network_only_what_is_around_us_unless_asked():
    assert near_networks([CAMPUS]) == (IPv4Network("10.4.7.0/24"),)
    assert far_networks([CAMPUS]) == tuple(IPv4Network(f"10.4.{third}.0/24") for third in (4, 5, 6))


def test_never_more_than_a_16():
    assert len(far_networks([interface("eth0", "10.9.8.7/8")])) == 255


@pytest.mark.parametrize("text", ["192.0.2.2/24", "8.8.8.8/24", "100.64.1.2/10", "10.0.0.1/32", "172.15.0.1/24"])
def test_what_is_not_private_or_no_network_is_not_swept(text):
    assert near_networks([interface("eth0", text)]) == ()
    assert far_networks([interface("eth0", text)]) == ()


@pytest.mark.parametrize("name", ["docker0", "virbr0", "veth1a2b", "br-0123456789ab"])
def test_bridges_of_containers_are_left_out(name):
    bridge = interface(name, "172.17.0.1/24")
    assert real_interfaces([LOOPBACK, bridge, LAN]) == (LAN,)
    assert near_networks([bridge, LAN]) == (IPv4Network("192.168.1.0/24"),)


def test_unless_there_is_nothing_else():
    six = interface("eth0", "fd00::2/64")
    assert near_networks([LOOPBACK, DOCKER, six]) == (IPv4Network("172.17.0.0/24"),)


def test_two_addresses_in_one_network_sweep_it_once():
    assert len(near_networks([LAN, interface("wlan0", "192.168.1.21/24")])) == 1


@pytest.mark.parametrize(
    ("address", "near"),
    [("192.168.7.7", True), ("fd00::9", True), ("8.8.8.8", False), ("130.83.4.4", True), ("2606:4700::1", False)],
)
def test_only_who_is_near_may_be_asked(address, near):
    assert is_near(address, [LAN, interface("eth2", "130.83.4.2/24"), interface("ppp0", "8.1.1.1/0")]) is near
