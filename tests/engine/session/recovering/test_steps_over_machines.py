"""A run over machines that breaks: who is left out, who is waited for, who is back. Fakes only."""

from dataclasses import replace

import pytest

from engine.session import events
from engine.session.recovering.patience import PAUSES_SECONDS
from engine.session.state import RunPhase
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.recovery import RecoveryMode, RecoveryStep
from tests.fakes.ports.fake_remote import a_target
from tests.fakes.sessions.fake_lab import FakeLab, id_of
from tests.fakes.sessions.fake_outside import settle

LOOK_AT_ONE = f"machine {a_target('one').text}"


@pytest.fixture
def lab():
    lab = FakeLab("one", "two")
    lab.session.choose(replace(lab.session.chosen, recovery=RecoveryMode.AUTOMATIC))
    settle(lab.session)
    assert lab.launch().run_phase is RunPhase.READY
    return lab


def test_a_tunnel_that_breaks_is_opened_again(lab):
    lab.fakes.starter.process("tunnel").exit(255)
    state = settle(lab.session)
    assert state.run_phase is RunPhase.READY
    assert (state.recovery.history[-1].n_workers, state.recovery.history[-1].left_out) == (3, ())
    assert state.recovery.history[-1].same_plan


def silent(name):
    fault = Fault(cause=FaultCause.HOST_SILENT, machine_id=id_of(name))
    problem = Problem(kind=ProblemKind.MACHINE, where=name, happened=f"{name} says nothing.", fault=fault)
    return events.ProblemHappened(problem=problem, ends_run=True)


def test_a_silent_machine_is_left_out_until_it_was_looked_at_again(lab):
    lab.jobs.held.add(LOOK_AT_ONE)
    lab.session.post(silent("one"))
    state = settle(lab.session)
    assert state.run_phase is RunPhase.READY
    assert state.recovery.history[-1].left_out == ("one",)
    assert id_of("one") not in {machine.id for machine in state.machines}
    lab.jobs.run_held()
    state = settle(lab.session)
    assert id_of("one") in {machine.id for machine in state.machines}, "offered again"
    assert state.run_phase is RunPhase.READY, "what serves is left alone"
    assert len(state.recovery.history) == 1
    lab.fakes.starter.process("tunnel").exit(255)
    assert settle(lab.session).recovery.history[-1].n_workers == 3


def test_a_machine_that_is_there_again_is_used_when_nobody_asks(lab):
    lab.jobs.held.add(LOOK_AT_ONE)
    lab.session.post(silent("one"))
    assert settle(lab.session).recovery.missed == (id_of("one"),)
    lab.jobs.run_held()
    settle(lab.session)
    n_launches, url = lab.session.snapshot().n_launches, lab.session.snapshot().run.api_url
    for idle, n_more in ((0.0, 0), (60.0, 1)):
        lab.fakes.gateway.idle = idle
        lab.fakes.clock.seconds += 40
        lab.session.drain()
        state = settle(lab.session)
        assert state.n_launches == n_launches + n_more
    assert (state.run_phase, state.run.api_url) == (RunPhase.READY, url)
    cost = state.recovery.history[-1]
    assert (cost.happened, cost.n_workers, cost.n_workers_before, cost.left_out) == ("one is there again.", 3, 2, ())
    assert state.recovery.missed == ()
    assert not [problem for problem in state.problems if "one" in problem.where]


def test_a_machine_that_is_there_again_is_used_when_a_person_says_so(lab):
    lab.session.choose(replace(lab.session.chosen, recovery=RecoveryMode.ASK))
    lab.jobs.held.add(LOOK_AT_ONE)
    lab.session.post(silent("one"))
    settle(lab.session)
    lab.session.try_again()
    settle(lab.session)
    lab.jobs.run_held()
    settle(lab.session)
    lab.session.go_back()
    state = settle(lab.session)
    assert (state.run_phase, state.recovery.history[-1].n_workers) == (RunPhase.READY, 3)


def test_a_machine_that_is_lost_while_ports_are_looked_for_is_left_out_of_the_next_try(lab):
    lab.session.remotes._held[next(t for t in lab.session.remotes._held if t.machine_id == id_of("two"))].machine = None
    lab.fakes.starter.process("tunnel").exit(255)
    state = settle(lab.session)
    lab.fakes.clock.seconds += 5
    lab.session.drain()
    state = settle(lab.session)
    assert state.run_phase is RunPhase.READY
    assert state.recovery.history[-1].left_out == ("two",)


def test_when_nothing_fits_without_it_that_is_said_and_waited_for_and_then_given_up(lab):
    need_all(lab)
    lab.jobs.held.add(LOOK_AT_ONE)
    lab.session.post(silent("one"))
    state = settle(lab.session)
    assert (state.run_phase, state.recovery.step) == (RunPhase.RECOVERING, RecoveryStep.WAITING)
    assert "one with" in state.recovery.missing
    assert "is not reachable" in state.recovery.missing
    for _ in PAUSES_SECONDS:
        lab.fakes.clock.seconds += 60
        lab.session.drain()
        state = settle(lab.session)
    assert state.run_phase is RunPhase.FAILED
    assert "is not reachable" in state.problems[-1].happened
    assert lab.n_running() == 0


def test_when_the_missing_machine_is_back_in_time_it_goes_on(lab):
    need_all(lab)
    lab.jobs.held.add(LOOK_AT_ONE)
    lab.session.post(silent("one"))
    settle(lab.session)
    lab.jobs.run_held()
    assert settle(lab.session).run_phase is RunPhase.READY, "at once, whatever the pause"


def need_all(lab):
    """So little of every worker's memory is given that the model fits only on all of them."""
    state = lab.session.snapshot()
    needed = sum(worker.needed_bytes for worker in state.plan.workers)
    most = max(offer.total_bytes for offer in state.offers)
    for reserve in (1 - needed * share / 3 / most for share in (1.05, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8)):
        lab.session.choose(replace(lab.session.chosen, reserve_fraction=reserve))
        state = settle(lab.session)
        if isinstance(state.plan, Plan):
            return
    raise AssertionError(state.plan)
