"""The search of the network: what it finds grows, and it always ends."""

import pytest

from engine.errors import MachineUnreachable
from engine.session.working.machines.find_machines import FIND
from engine.vocabulary.found import FoundBy, FoundMachine
from tests.fakes.ports.fake_remote import FakeNetwork, a_target
from tests.fakes.sessions.fake_outside import Fakes, planned_session, settle

FOUND = tuple(
    FoundMachine(name=name, addresses=(f"10.0.0.{n}",), ways=(FoundBy.SWEEP,), target=a_target(name))
    for n, name in enumerate(("one", "two"))
)


@pytest.fixture
def fakes():
    made = Fakes()
    made.network = FakeNetwork(*FOUND)
    return made


def test_what_it_finds_is_shown_and_nothing_is_logged_in_to(fakes):
    session, _jobs = planned_session(fakes)
    session.find_machines()
    finding = settle(session).finding
    assert (finding.running, finding.found) == (False, FOUND)
    assert fakes.network.wide is False
    assert fakes.connector.logins == []
    assert session.snapshot().remotes == ()


def test_while_it_runs_it_says_how_far(fakes):
    session, _jobs = planned_session(fakes)
    seen = []
    find = fakes.network.find

    def watched(on_found, *, wide, progress, token, in_use):
        def then(found):
            on_found(found)
            session.drain()
            seen.append(session.snapshot().finding)

        find(then, wide=wide, progress=progress, token=token, in_use=in_use)

    fakes.network.find = watched
    session.find_machines(wide=True)
    assert fakes.network.wide is True
    assert [(finding.running, finding.found) for finding in seen] == [(True, FOUND[:1]), (True, FOUND)]


def test_a_second_search_begins_anew(fakes):
    session, _jobs = planned_session(fakes)
    session.find_machines()
    settle(session)
    fakes.network.found = ()
    session.find_machines()
    assert settle(session).finding.found == ()


def test_a_search_that_fails_ends_and_says_why(fakes):
    fakes.network.fails = MachineUnreachable("No network is up.")
    session, _jobs = planned_session(fakes)
    session.find_machines()
    state = settle(session)
    assert not state.finding.running
    assert [problem.happened for problem in state.problems] == ["No network is up."]
    assert state.finding.found == FOUND, "what it found before stays"


def test_a_search_can_be_cancelled(fakes):
    session, _jobs = planned_session(fakes)

    def long_search(on_found, *, wide, progress, token, in_use):
        on_found(FOUND[:1])
        session.cancel(FIND)
        token.check()
        raise AssertionError("it was cancelled")

    fakes.network.find = long_search
    session.find_machines()
    state = settle(session)
    assert (state.finding.running, state.finding.found, state.problems) == (False, FOUND[:1], ())


def test_rpc_servers_that_we_use_are_left_alone_as_long_as_we_use_them(fakes):
    session, _jobs = planned_session(fakes)
    session.find_machines()
    settle(session)
    assert fakes.network.untouched == frozenset()
    session.launch()
    run = settle(session).run
    session.find_machines()
    settle(session)
    assert fakes.network.untouched >= {server.endpoint for server in run.servers}
    session.stop()
    settle(session)
    session.find_machines()
    settle(session)
    assert fakes.network.untouched == frozenset()


def test_a_server_that_starts_during_the_search_is_left_alone_from_then_on(fakes):
    session, _jobs = planned_session(fakes)
    seen = []

    def search(on_found, *, wide, progress, token, in_use):
        seen.append(in_use())
        session.launch()
        session.drain()
        session.drain()
        seen.append(in_use())

    fakes.network.find = search
    session.find_machines()
    run = settle(session).run
    assert seen[0] == frozenset()
    assert seen[1] >= {server.endpoint for server in run.servers}
