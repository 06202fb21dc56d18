"""On every machine of the lab: nothing listens where others reach it, nothing that we wrote is open to other users."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.security.nobody_in import open_to_others
from tests.lab.lab import Lab
from tests.lab.machines.host_files import USER_HOME

_LABS = ("clean_lab", "lab")


@pytest.fixture(autouse=True)
def _nobody_gets_in_anywhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """sshd and every command on the desk run under umask 000 here, so whatever Crossply does not close itself is seen."""
    name = next((name for name in _LABS if name in request.fixturenames), None)
    if name is None:
        yield
        return
    lab: Lab = request.getfixturevalue(name)
    before = open_files(lab)  # what the lab itself made
    with lab.watch_exposure() as watch:
        yield
    if request.node.get_closest_marker("opens_ports") is None:
        assert watch.seen == set(), "other machines could reach this"
    assert watch.looks > 0
    assert sorted(set(open_files(lab)) - set(before)) == [], "other users could get at this"


def open_files(lab: Lab) -> list[str]:
    """Of the desk and of all hosts that are on."""
    homes = [lab.client_home, *(host.path(place) for host in lab.hosts if host.is_on for place in (USER_HOME, "/dev/shm"))]
    loose = [path for host in lab.hosts if host.is_on for place in ("/tmp", "/var/tmp") for path in host.path(place).iterdir()]
    return [found for place in (*homes, *loose) for found in open_to_others(place, but=(".ssh",))]
