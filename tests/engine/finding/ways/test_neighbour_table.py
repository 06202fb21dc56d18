"""Neighbour tables: recorded ones, documented ones, and garbage."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ProcessFailed
from engine.finding.ways.neighbour_table import Neighbour, parse_arp, parse_ip_neigh, sight_neighbours
from engine.vocabulary.found import FoundBy

RECORDED = Path(__file__).parents[3] / "recorded/neighbour-tables"
DOCUMENTED = Path(__file__).parents[3] / "documented/neighbour-tables"


def recorded(name, folder=RECORDED):
    return (folder / name).read_text(encoding="utf-8")


def test_ip_neigh_without_dead_entries_and_groups():
    found = parse_ip_neigh(recorded("ip-j-neigh.json"))
    assert {one.address: one.reachable for one in found} == {
        "10.77.0.41": False,
        "10.77.0.40": False,
        "10.77.0.10": True,
        "fd77::10": True,
    }
    assert found[0] == Neighbour(address="10.77.0.41", mac="02:00:00:00:00:41", reachable=False)


def test_arp_of_linux():
    found = parse_arp(recorded("arp-an-net-tools.txt"))
    assert sorted(one.address for one in found) == ["10.77.0.10", "10.77.0.40", "10.77.0.41"]
    assert not any(one.reachable for one in found), "arp does not say how old an entry is"


@pytest.mark.parametrize("name", ["arp-an-macos.txt", "arp-a-windows.txt"])
def test_arp_of_other_systems(name):
    assert parse_arp(recorded(name, DOCUMENTED)) == (
        Neighbour(address="192.168.1.1", mac="00:1b:2c:3d:4e:0f", reachable=False),
        Neighbour(address="192.168.1.7", mac="a4:83:e7:01:02:03", reachable=False),
    )


@pytest.mark.parametrize(
    ("platform", "argv"),
    [("linux", ("ip", "-j", "neigh")), ("darwin", ("arp", "-an")), ("win32", ("arp", "-a"))],
)
def test_each_system_is_asked_in_its_way(platform, argv):
    asked = []
    sight_neighbours(lambda argv, seconds: asked.append(argv) or "", platform=platform)
    assert asked == [argv]


def test_who_was_heard_just_now_counts_as_an_answer():
    found = sight_neighbours(lambda *_: recorded("ip-j-neigh.json"), platform="linux")
    assert [(one.addresses, one.answered) for one in found if one.answered] == [(("10.77.0.10",), True), (("fd77::10",), True)]
    assert {one.way for one in found} == {FoundBy.NEIGHBOURS}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        "[1, null, [], {}]",
        '[{"dst": 1, "lladdr": 2, "state": []}]',
        '[{"dst": "not an address", "lladdr": "02:00:00:00:00:01", "state": ["STALE"]}]',
        '[{"dst": "10.0.0.1", "lladdr": "zz", "state": ["STALE"]}]',
        '[{"dst": "10.0.0.1", "lladdr": "02:00:00:00:00:01", "state": "STALE"}]',
        '[{"dst": "fe80::1", "lladdr": "02:00:00:00:00:01", "state": ["STALE"]}]',
        "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_skipped(text):
    assert parse_ip_neigh(text) == ()


@given(st.text())
def test_no_text_raises(text):
    assert isinstance(parse_ip_neigh(text), tuple)
    assert isinstance(parse_arp(text), tuple)


def test_without_the_program_there_is_no_table():
    def missing(argv, seconds):
        raise ProcessFailed("There is no ip.")

    assert sight_neighbours(missing, platform="linux") == ()
