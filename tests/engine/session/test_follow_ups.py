"""What a state entails is begun once, and again when what it rests on has changed."""

from dataclasses import replace

from engine.session.follow_ups import FollowUps
from engine.session.jobs import Jobs
from engine.vocabulary.worker import Exposure
from tests.fakes.sessions.fake_outside import Fakes
from tests.fakes.states import cluster_states as states


class NotedJobs(Jobs):
    """Begins nothing; remembers what was to begin."""

    def __init__(self):
        self.begun, self.cancelled = [], []

    def start(self, key, work):
        self.begun.append(key)

    def cancel(self, key):
        self.cancelled.append(key)


def test_everything_is_begun_once_for_one_state():
    jobs = NotedJobs()
    follow_ups = FollowUps(Fakes().outside(), jobs, lambda _event: None)
    state = states.plan_shown()
    follow_ups.act(state)
    assert sorted(jobs.begun) == ["compare", "history", "speeds"]
    follow_ups.act(state)
    assert len(jobs.begun) == 3


def test_another_model_is_looked_up_again_and_an_outdated_comparison_is_given_up():
    jobs = NotedJobs()
    follow_ups = FollowUps(Fakes().outside(), jobs, lambda _event: None)
    state = states.plan_shown()
    follow_ups.act(state)
    other = replace(state, model=replace(state.model, path="/other.gguf"), variants=state.variants[:1])
    follow_ups.act(other)
    assert sorted(jobs.begun) == ["compare", "compare", "history", "history", "speeds", "speeds"]
    assert jobs.cancelled == ["compare", "compare"]


def test_speeds_are_looked_up_again_for_another_way_to_a_worker_and_another_build():
    jobs = NotedJobs()
    follow_ups = FollowUps(Fakes().outside(), jobs, lambda _event: None)
    state = states.plan_shown()
    follow_ups.act(state)
    first, *others = state.offers
    state = replace(state, offers=(replace(first, exposure=Exposure.LAN), *others))
    follow_ups.act(state)
    assert jobs.begun.count("speeds") == 2
    follow_ups.act(replace(state, runtime=replace(state.runtime, commit="fffffff")))
    assert jobs.begun.count("speeds") == 3


def test_a_file_that_is_chosen_again_is_looked_up_again():
    jobs = NotedJobs()
    follow_ups = FollowUps(Fakes().outside(), jobs, lambda _event: None)
    state = states.plan_shown()
    follow_ups.act(state)
    follow_ups.act(replace(state, model=replace(state.model)))
    assert jobs.begun.count("history") == 2


def test_a_state_without_a_model_entails_nothing():
    jobs = NotedJobs()
    FollowUps(Fakes().outside(), jobs, lambda _event: None).act(replace(states.no_model(), variants=()))
    assert jobs.begun == []
