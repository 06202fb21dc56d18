"""Which machines an administrator's list allows."""

import pytest

from engine.vocabulary.admin_policy import AdminPolicy

LAB = AdminPolicy(path="policy.toml", allowed_hosts=("*.lab.example", "gpu-node", "10.0.0.0/16", "fd00::/8"))


def test_without_a_list_every_machine_is_allowed():
    assert AdminPolicy().allows("anything")


@pytest.mark.parametrize("host", ["a.lab.example", "A.Lab.Example.", "gpu-node", "10.0.3.4", "fd00::7", "fd00::7%eth0"])
def test_names_addresses_and_networks_of_the_list(host):
    assert LAB.allows(host)


@pytest.mark.parametrize("host", ["lab.example", "a.lab.example.evil.org", "10.1.0.1", "gpu-node2", "fe80::1", ""])
def test_whatever_else_is_refused(host):
    assert not LAB.allows(host)


def test_a_name_counts_by_where_it_leads_and_all_of_it_must_be_allowed():
    assert LAB.allows("desk", ("10.0.1.1", "fd00::1"))
    assert not LAB.allows("desk", ("10.0.1.1", "192.168.1.1"))
    assert not LAB.allows("desk", ())


def test_an_address_is_not_excused_by_what_it_resolves_to():
    assert not LAB.allows("192.168.1.1", ("10.0.0.1",))


def test_an_empty_list_allows_nobody():
    assert not AdminPolicy(allowed_hosts=()).allows("gpu-node", ("10.0.0.1",))
