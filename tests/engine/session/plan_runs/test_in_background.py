"""The window's job: plans in turn, then everything as it was; cancelled in the middle too."""

import threading
import time
from dataclasses import replace

import pytest

from engine.errors import Cancelled, CoordinatorUnusable
from engine.session.jobs import Token
from engine.session.plan_runs import in_background
from engine.session.plan_runs.in_background import MEASURE_PLANS, REPETITIONS, ROUNDS, measure_best_plans
from engine.session.session import Session
from engine.session.state import RunPhase
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.recovery import RecoveryMode
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import MODEL, TWO_WORKERS, Fakes, lines_for


def wait_until(true, seconds=10.0):
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.fixture
def fakes():
    return Fakes()


@pytest.fixture
def session(fakes):
    """A running one, whose llama-server reports just what is planned."""
    session = Session(fakes.outside(), replace(TWO_WORKERS, model_path=MODEL))

    def report(spec):
        plan = session.snapshot().plan
        if "llama-server" in spec.id and isinstance(plan, Plan):
            fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(plan)))

    fakes.starter.while_starting = report
    session.start()
    wait_until(lambda: isinstance(session.snapshot().plan, Plan) and len(session.snapshot().variants) > 1)
    yield session
    session.close()
    assert session.join()


def ended(session):
    state = session.snapshot()
    return state.run_phase is RunPhase.STOPPED and not state.run_wanted and not state.activities


def test_every_plan_is_run_in_turn_and_the_choice_is_as_before(fakes, session):
    before = session.snapshot().choices
    session.measure_plans()
    wait_until(lambda: any(activity.id == MEASURE_PLANS for activity in session.snapshot().activities))
    wait_until(lambda: ended(session), 30)
    kept = fakes.history.kept
    assert len(kept) >= 2 * ROUNDS
    assert len(kept) % ROUNDS == 0
    assert {len(record.samples) for record in kept} == {1 + REPETITIONS}
    wait_until(lambda: session.snapshot().choices == before)


def test_cancelled_in_the_middle_it_stops_and_chooses_as_before(fakes, session):
    before = session.snapshot().choices
    token, ends = Token(), threading.Event()

    def job():
        with pytest.raises(Cancelled):
            measure_best_plans(session, fakes.outside(), token)
        ends.set()

    threading.Thread(target=job, daemon=True).start()
    wait_until(lambda: session.snapshot().run_wanted)
    token.cancel()
    assert ends.wait(10)
    wait_until(lambda: ended(session))
    wait_until(lambda: session.snapshot().choices == before)


def test_nothing_of_what_is_tried_is_remembered_also_when_it_is_closed_in_the_middle(fakes, session, monkeypatch):
    remembered = []
    monkeypatch.setattr(session, "choose", remembered.append)  # as a session that remembers overrides it
    session.measure_plans()
    wait_until(lambda: session.snapshot().choices.recovery is RecoveryMode.NEVER)
    wait_until(lambda: session.snapshot().run_phase is RunPhase.READY)
    session.close()
    assert session.join()
    assert remembered == []


def test_stop_ends_it(fakes, session):
    fakes.coordinator.while_measuring = session.stop
    session.measure_plans()
    wait_until(lambda: any(activity.id == MEASURE_PLANS for activity in session.snapshot().activities))
    wait_until(lambda: ended(session), 20)
    assert session.snapshot().n_launches == 1


def test_a_request_that_fails_ends_it_in_words(fakes, session):
    def fail(**_sizes):
        raise CoordinatorUnusable("It is gone.")

    session.measure_plans()
    wait_until(lambda: session.snapshot().run is not None and session.snapshot().run.benchmark is not None)
    fakes.coordinator.measure = fail
    wait_until(lambda: session.snapshot().problems, 20)
    wait_until(lambda: ended(session), 20)
    assert {problem.happened for problem in session.snapshot().problems} == {"It is gone."}


def test_nothing_is_done_while_something_runs(fakes, session):
    session.launch()
    wait_until(lambda: session.snapshot().run_phase is RunPhase.READY)
    measure_best_plans(session, fakes.outside(), Token())
    assert session.snapshot().n_launches == 1
    assert in_background.TOP == 3


def test_a_run_that_failed_before_is_no_reason_not_to_measure(fakes, session):
    session.launch()
    wait_until(lambda: session.snapshot().run is not None and session.snapshot().run.benchmark is not None)
    next(process for process in fakes.starter.running() if "llama-server" not in process.spec.id).exit(1)
    wait_until(lambda: session.snapshot().run_phase is RunPhase.FAILED and not fakes.starter.running())
    session.measure_plans()
    wait_until(lambda: len(fakes.history.kept) > 2 * ROUNDS, 30)
    wait_until(lambda: ended(session), 30)
    assert session.snapshot().problems == ()
