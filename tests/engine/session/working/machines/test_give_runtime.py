"""A machine is given our llama.cpp: built there, told of, and what it had before is used again where that fails."""

from dataclasses import replace

import pytest

from engine.errors import Cancelled, MachineUnreachable, RuntimeUnavailable
from engine.session.events import ActivityProgressed
from engine.session.working.machines.give_runtime import copy_activity
from engine.vocabulary.remote import RemotePhase
from tests.fakes.ports.fake_remote import a_look
from tests.fakes.sessions.fake_outside import RUNTIME, Fakes, settle
from tests.fakes.sessions.remote_session import NAME, TARGET, Listener, added, seen


@pytest.fixture
def fakes():
    return Fakes()


def test_it_is_built_there_and_looked_at_again(fakes):
    machine = fakes.add_remote(NAME, runtime=None)
    machine.after_copy = a_look(TARGET, RUNTIME, fakes.finder.help_text(RUNTIME))
    session, _jobs = added(fakes)
    posted = Listener(session)
    session.remotes.build_runtime(TARGET.machine_id)
    assert machine.built == [RUNTIME.id]
    assert machine.copied == []
    assert seen(session).phase is RemotePhase.READY
    told = [(event.id, event.title) for event in posted.of(ActivityProgressed)]
    assert set(told) == {(copy_activity(TARGET.machine_id), f"Building llama.cpp on {TARGET.text}")}
    assert session.snapshot().activities == ()


@pytest.mark.parametrize(("error", "problems"), [(RuntimeUnavailable("No compiler."), ["No compiler."]), (Cancelled(), [])])
def test_a_machine_that_worked_goes_on_working(fakes, error, problems):
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    machine.copy_fails = error
    session.remotes.build_runtime(TARGET.machine_id)
    settle(session)
    assert seen(session).phase is RemotePhase.READY
    assert TARGET.machine_id in [found.id for found in session.snapshot().machines]
    assert [problem.happened for problem in session.snapshot().problems] == problems


def test_nothing_is_built_under_a_cluster_that_is_up(fakes, monkeypatch):
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    state = replace(session.snapshot(), run_wanted=True)
    monkeypatch.setattr(session.remotes, "_snapshot", lambda: state)
    session.remotes.build_runtime(TARGET.machine_id)
    settle(session)
    assert machine.built == []
    assert "while a cluster is up" in session.snapshot().problems[-1].happened


def test_without_a_build_here_there_is_nothing_to_give(fakes, monkeypatch):
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    state = replace(session.snapshot(), runtime=None)
    monkeypatch.setattr(session.remotes, "_snapshot", lambda: state)
    session.remotes.build_runtime(TARGET.machine_id)
    settle(session)
    assert machine.built == []
    assert seen(session).phase is RemotePhase.NO_RUNTIME


def test_who_stops_a_copy_a_moment_too_late_does_not_end_the_looking_and_reconnecting(fakes):
    """Nobody would have tried to reach that machine any more."""
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    look = machine.look

    def lost_while_it_is_looked_at(*_arguments):
        machine.look = look
        fakes.connector.raises[NAME] = [MachineUnreachable("It does not answer.")]
        session.remotes.cancel_copy(TARGET.machine_id)
        raise MachineUnreachable("It was lost.")

    machine.look = lost_while_it_is_looked_at
    session.remotes.copy_runtime(TARGET.machine_id)
    settle(session)
    assert seen(session).phase is RemotePhase.READY
    assert len(fakes.connector.logins) == 3


def test_a_bug_while_it_is_given_leaves_nobody_waiting(fakes):
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    machine.copy_fails = ZeroDivisionError("a bug")
    session.remotes.copy_runtime(TARGET.machine_id)
    settle(session)
    assert seen(session).phase is RemotePhase.READY
    assert "ZeroDivisionError" in session.snapshot().problems[-1].happened
