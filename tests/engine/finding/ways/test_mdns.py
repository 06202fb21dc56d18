"""mDNS for real on loopback: registered with zeroconf, found by us; and announcements that lie."""

import errno
import socket
import time

import pytest
from zeroconf import ServiceInfo, Zeroconf

from engine.errors import Cancelled
from engine.finding.sighting import Sighting
from engine.finding.ways import mdns
from engine.finding.ways.mdns import browse, sighting_of
from engine.vocabulary.found import FoundBy
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled


def announcement(service="_ssh._tcp.local.", address="192.168.7.7", port=2222, server="gpu1.local."):
    packed = [socket.inet_pton(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in address.split()]
    return ServiceInfo(service, f"gpu1.{service}", port=port, addresses=packed, server=server)


@pytest.fixture
def announced():
    """A machine that announces itself on loopback."""
    zeroconf = Zeroconf(interfaces=["127.0.0.1"])
    zeroconf.register_service(announcement())
    yield
    zeroconf.close()


def test_a_machine_that_announces_itself_is_found(announced):
    found = []
    stop = CancelledWhen(lambda: bool(found))
    with pytest.raises(Cancelled):
        browse(found.append, stop, interface_addresses=["127.0.0.1"], listen_seconds=20)
    assert found == [Sighting(way=FoundBy.MDNS, addresses=("192.168.7.7",), name="gpu1.local", ssh_port=2222, answered=True)]


def test_it_ends_when_its_time_is_over():
    began = time.monotonic()
    browse(lambda _: None, NeverCancelled(), interface_addresses=["127.0.0.1"], listen_seconds=0.3)
    assert 0.3 <= time.monotonic() - began < 5


def test_a_network_without_multicast_finds_nothing(monkeypatch):
    def refuse(**_options):
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(mdns, "Zeroconf", refuse)
    found = []
    browse(found.append, NeverCancelled())
    assert found == []


def test_a_workstation_says_nothing_of_ssh():
    sighting = sighting_of(announcement("_workstation._tcp.local.", port=9))
    assert sighting.ssh_port == 22


def test_several_addresses_are_one_machine():
    assert sighting_of(announcement(address="10.0.0.7 fd00::7 fe80::7")).addresses == ("10.0.0.7", "fd00::7")


@pytest.mark.parametrize("address", ["127.0.0.1", "224.0.0.1", "0.0.0.0", "fe80::1", "::1"])
def test_addresses_that_lead_nowhere_or_to_ourselves_are_not_believed(address):
    assert sighting_of(announcement(address=address)) is None


def test_names_are_cleaned():
    assert sighting_of(announcement(server="gpu\x1b[31m.local.")).name == "gpu[31m.local"
