"""Which plans are measured, and what is said of the samples."""

from dataclasses import replace

from engine.planning.policies.moved_boundary import seats_of_workers
from engine.session import events
from engine.session.plan_runs.driver import Driver
from engine.session.plan_runs.measure_plans import best_subjects, measure_interleaved, spread
from engine.vocabulary.plan import Policy
from engine.vocabulary.worker import Layout, Speed
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import TWO_WORKERS, Fakes, lines_for, planned_session, settle


def test_the_chosen_plan_comes_first_and_no_plan_twice():
    state = planned_session(Fakes(), replace(TWO_WORKERS, policy=Policy.EVEN, layout=Layout.TRADITIONAL))[0].snapshot()
    titles = [subject.title for subject in best_subjects(state, 9)]
    assert titles[0] == "even, traditional"
    assert "traditional" not in titles, "one worker holds everything either way"
    assert len(best_subjects(state, 2)) == 2
    assert len(best_subjects(state, None)) == len(state.variants)


def test_spread_is_of_the_median():
    assert spread([9.0, 10.0, 12.0]) == 0.3
    assert spread([9.0]) is None


class Settled(Driver):
    """Of a session without a thread. Notes what ran, and llama-server reports just that."""

    def __init__(self, fakes, session):
        self.session, self.starter, self.ran = session, fakes.starter, []

    def wait_for(self, reached, title):
        state = settle(self.session)
        assert reached(state), title
        return state

    def tell(self, step, fraction):
        pass

    def launch(self):
        self.starter.will_run("llama-server", FakeProgram(lines=lines_for(self.session.snapshot().plan)))
        state = super().launch()
        self.ran.append(seats_of_workers(state.run.plan.used_workers))
        return state


def test_every_round_runs_the_plan_that_is_measured_although_what_it_measures_would_plan_another():
    fakes = Fakes()
    session, _jobs = planned_session(fakes, replace(TWO_WORKERS, policy=Policy.FASTEST))
    alike = zip(session.snapshot().offers, (1.0e9, 0.9e9), strict=True)
    speeds = tuple(
        (offer.id, Speed(read_bytes_per_second=rate, compute_flops_per_second=1e12, overhead_seconds=0.01, measured=True))
        for offer, rate in alike
    )
    session.post(events.SpeedsMeasured(speeds=speeds))
    subjects = [subject for subject in best_subjects(settle(session), None) if subject.plan is not None]
    planned = [seats_of_workers(subject.plan.used_workers) for subject in subjects]
    driver = Settled(fakes, session)
    measure_interleaved(driver, fakes.outside(), subjects, rounds=2, repetitions=1)
    assert driver.ran == planned * 2
