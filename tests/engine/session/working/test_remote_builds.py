"""Builds on remote machines through a whole session on fakes: copied, compared with ours, looked at again."""

from dataclasses import replace

import pytest

from engine.errors import Cancelled, MachineUnreachable, RuntimeUnavailable
from engine.session.events import ActivityProgressed
from engine.session.remote_events import MachineTurned
from engine.session.working.machines.give_runtime import copy_activity
from engine.vocabulary.remote import RemotePhase
from tests.fakes.ports.fake_remote import a_look
from tests.fakes.sessions.fake_outside import RUNTIME, Fakes, planned_session, settle
from tests.fakes.sessions.remote_session import NAME, TARGET, Listener, added, seen

LOST = MachineUnreachable("gpu-node does not answer.", advice="Is it on?")


@pytest.fixture
def fakes():
    return Fakes()


def without_runtime(fakes):
    machine = fakes.add_remote(NAME, runtime=None)
    help_text = fakes.finder.help_text(RUNTIME)
    machine.after_copy = a_look(TARGET, RUNTIME, help_text)
    session, jobs = added(fakes)
    assert seen(session).phase is RemotePhase.NO_RUNTIME
    return machine, session, jobs


def test_our_build_is_copied_and_looked_for(fakes):
    machine, session, _jobs = without_runtime(fakes)
    posted = Listener(session)
    session.remotes.copy_runtime(TARGET.machine_id)
    assert seen(session).phase is RemotePhase.READY
    assert machine.copied == [RUNTIME.id]
    assert session.snapshot().activities == ()
    progress = [(event.id, event.detail) for event in posted.of(ActivityProgressed)]
    assert progress == [(copy_activity(TARGET.machine_id), "comparing"), (copy_activity(TARGET.machine_id), "half")]
    assert RemotePhase.COPYING in [event.phase for event in posted.of(MachineTurned)]


@pytest.mark.parametrize("error", [RuntimeUnavailable("The disk is full.", advice="Free 200 MB."), Cancelled()])
def test_a_copy_that_fails_leaves_it_as_it_was(fakes, error):
    machine, session, _jobs = without_runtime(fakes)
    machine.copy_fails = error
    session.remotes.copy_runtime(TARGET.machine_id)
    assert seen(session).phase is RemotePhase.NO_RUNTIME
    problem = seen(session).problem
    assert (None if problem is None else problem.happened) == (
        None if isinstance(error, Cancelled) else "The disk is full."
    ), "what a person cancelled is no problem"
    assert session.snapshot().activities == ()


def test_copying_to_what_is_not_there_does_nothing(fakes):
    session, _jobs = planned_session(fakes)
    session.remotes.copy_runtime(TARGET.machine_id)
    session.remotes.cancel_copy(TARGET.machine_id)
    settle(session)
    assert session.snapshot().remotes == ()


def test_another_build_here_is_looked_for_there_once(fakes):
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    other = replace(RUNTIME, id="other", folder="/other/bin")
    for chosen, n_looks in ((other, 2), (RUNTIME, 3), (other, 4)):
        fakes.finder._runtimes = (chosen,)
        session._look(None)
        assert seen(session).looked_for_runtime == chosen.id
        settle(session)
        assert machine.n_looks == n_looks, "once for each change, also back to what was used before"


def test_looking_again_does_not_take_it_out_of_the_plan(fakes):
    machine = fakes.add_remote(NAME)
    session, jobs = added(fakes)
    jobs.held.add(f"machine {TARGET.text}")
    session.look_again()
    settle(session)
    assert TARGET.machine_id in [found.id for found in session.snapshot().machines]
    jobs.run_held()
    assert seen(session).phase is RemotePhase.READY
    assert machine.n_looks == 2


def test_a_look_again_at_one_that_is_gone_connects_again(fakes):
    machine = fakes.add_remote(NAME)
    session, jobs = added(fakes)
    jobs.held.add(f"machine {TARGET.text}")
    session.look_again()
    machine.lost = LOST
    jobs.run_held()
    assert seen(session).phase is RemotePhase.UNREACHABLE
    machine.lost = None
    session.remotes.connect_again(TARGET)
    assert seen(session).phase is RemotePhase.READY
