"""Names of ssh's files become places, without code hosts."""

import pytest

from engine.errors import BadInput
from engine.finding.sighting import Sighting
from engine.finding.ways.ssh_names import (
    SshName,
    as_it_is,
    is_code_host,
    sight_config_name,
    sight_known_name,
    split_known_name,
    system_addresses,
    system_name,
)
from engine.vocabulary.found import FoundBy
from engine.vocabulary.remote import SshTarget

KNOWN = {"gpu1.lab": ("10.0.0.7", "10.1.0.7")}


def addresses_of(name):
    return KNOWN.get(name, ())


def test_a_name_of_the_configuration_keeps_that_name_as_its_target():
    there = SshName(host="gpu1.lab", port=2222)
    assert sight_config_name("gpu", lambda _: there, addresses_of) == Sighting(
        way=FoundBy.SSH_CONFIG,
        addresses=("10.0.0.7", "10.1.0.7"),
        name="gpu",
        ssh_port=2222,
        target=SshTarget(host="gpu"),
    )


def test_behind_a_jump_host_no_address_of_here_is_meant():
    there = SshName(host="10.0.0.7", behind_jump_host=True)
    sighting = sight_config_name("inner", lambda _: there, addresses_of)
    assert sighting.addresses == ()
    assert sighting.behind_jump_host


def test_a_name_that_leads_nowhere_is_still_the_persons_own():
    assert sight_config_name("off", as_it_is, addresses_of).addresses == ()


@pytest.mark.parametrize(
    ("line", "addresses", "name", "port", "target"),
    [
        ("gpu1.lab", ("10.0.0.7", "10.1.0.7"), "gpu1.lab", 22, SshTarget(host="gpu1.lab")),
        ("[gpu1.lab]:2222", ("10.0.0.7", "10.1.0.7"), "gpu1.lab", 2222, SshTarget(host="gpu1.lab", port=2222)),
        ("10.0.0.9", ("10.0.0.9",), None, 22, SshTarget(host="10.0.0.9")),
        ("[fd00::9]:2022", ("fd00::9",), None, 2022, SshTarget(host="fd00::9", port=2022)),
    ],
)
def test_known_hosts(line, addresses, name, port, target):
    sighting = sight_known_name(line, addresses_of)
    assert (sighting.addresses, sighting.name, sighting.ssh_port, sighting.target) == (addresses, name, port, target)


@pytest.mark.parametrize("name", ["unknown.lab", "github.com", "[ssh.github.com]:443"])
def test_known_names_that_lead_to_no_machine(name):
    assert sight_known_name(name, lambda host: ("1.2.3.4",) if "github" in host else ()) is None


def test_code_hosts_give_nobody_a_shell():
    assert sight_config_name("gh", lambda _: SshName(host="GitHub.com."), addresses_of) is None
    assert is_code_host("ssh.gitlab.com")
    assert not is_code_host("mygithub.company")


@pytest.mark.parametrize("text", ["[host]:0", "[host]:99999", "[host]:x", "[host]", "[host]:123456789"])
def test_an_odd_entry_is_taken_as_a_name(text):
    assert split_known_name(text) == (text, 22)


def test_the_systems_resolver_says_nothing_for_nonsense():
    assert system_addresses("localhost")
    assert system_addresses("no..such") == ()
    assert system_addresses("x" * 300) == ()
    assert system_name("no address") is None


def test_a_name_whose_settings_ssh_refuses_is_listed_without_a_place():
    def refuse(name):
        raise BadInput("line 3: Bad configuration option")

    assert sight_config_name("gpu", refuse, addresses_of) == Sighting(way=FoundBy.SSH_CONFIG, addresses=(), name="gpu")
