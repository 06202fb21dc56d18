"""Choose, launch, stop: each waits until it is done, and a run that fails is said to have failed."""

from dataclasses import replace

import pytest

from engine.errors import Cancelled, ProcessFailed
from engine.session.plan_runs.driver import Driver, failure_of
from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.plan import Policy
from engine.vocabulary.running.problem import Problem, ProblemKind
from tests.fakes.sessions.fake_outside import Fakes, planned_session, settle


class Settling(Driver):
    """Of a session without a thread: a wait is a settling; what is not reached then never is."""

    def __init__(self, session, jobs):
        self.session, self.jobs = session, jobs

    def wait_for(self, reached, title):
        for _ in range(20):
            state = settle(self.session)
            if reached(state):
                return state
        raise AssertionError(title)

    def tell(self, step, fraction):
        pass


@pytest.fixture
def driver():
    return Settling(*planned_session(Fakes()))


def test_it_chooses_launches_and_stops(driver):
    assert driver.choose(policy=Policy.EVEN).choices.policy is Policy.EVEN
    assert driver.launch().run_phase is RunPhase.READY
    driver.stop()
    assert driver.session.snapshot().run_phase is RunPhase.STOPPED


def test_a_launch_that_somebody_stops_is_cancelled(driver, monkeypatch):
    launch = driver.session.launch
    monkeypatch.setattr(driver.session, "launch", lambda: (launch(), settle(driver.session), driver.session.stop()))
    state = replace(driver.session.snapshot(), run_wanted=False)
    waits = iter([state, state, state])
    monkeypatch.setattr(driver, "wait_for", lambda reached, title: next(waits))
    with pytest.raises(Cancelled):
        driver.launch()


def test_a_plan_that_is_gone_by_the_time_of_its_launch_is_not_waited_for(driver):
    launch = driver.session.launch

    def left_first():  # what a machine that leaves does to a plan that needs it
        state = driver.session.snapshot()
        driver.session.choose(replace(state.choices, left_out=frozenset(offer.id for offer in state.offers)))
        launch()

    driver.session.launch = left_first
    with pytest.raises(ProcessFailed, match=r"There is no plan any more\. Every worker is switched off"):
        driver.launch()


def test_a_failure_has_the_last_problem_s_words():
    problem = Problem(kind=ProblemKind.WORKER, where="w", happened="It broke.", advice="Mend it.")
    assert str(failure_of(replace(ClusterState(), problems=(problem,)))) == "It broke. Mend it."
    assert "ended" in str(failure_of(ClusterState()))
