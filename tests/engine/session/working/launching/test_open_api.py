"""The API's address is opened, and what cannot be had is told."""

from dataclasses import replace

import pytest

from engine.errors import ProcessFailed
from engine.session import events
from engine.session.state import ClusterState
from engine.session.working.launching.open_api import open_api, open_api_or_tell, place_of
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.running.api import ApiOpened, ApiPlace
from engine.vocabulary.running.problem import ProblemKind
from tests.fakes.sessions.fake_outside import Fakes

WIDE = ApiPlace(network_address="10.0.0.7")


def opened(place, fakes, work=open_api):
    posted = []
    work(fakes.outside(), place, posted.append)
    return posted


def test_the_port_is_chosen_and_the_rest_is_said_separately():
    state = ClusterState(api_place=replace(WIDE, port=1, wait_seconds=5.0))
    assert place_of(state) == replace(WIDE, port=8080, wait_seconds=5.0)


def test_where_it_is_open_is_posted():
    (event,) = opened(WIDE, Fakes())
    expected = ApiOpened(url="http://127.0.0.1:8080", network_url="http://10.0.0.7:8080")
    assert event == events.ApiWasOpened(api=expected)


def test_a_network_that_cannot_be_had_is_a_problem_and_this_machine_is_served():
    fakes = Fakes()
    fakes.gateway.fails = "The API cannot listen on 10.0.0.7."
    problem, event = opened(WIDE, fakes)
    assert (problem.problem.kind, problem.problem.happened) == (ProblemKind.COORDINATOR, fakes.gateway.fails)
    assert not problem.ends_run
    assert event.api == ApiOpened(url="http://127.0.0.1:8080")


def test_no_port_at_all_ends_a_launch_and_is_told_outside_one():
    fakes = Fakes()
    fakes.gateway.taken = set(range(65536))
    with pytest.raises(ProcessFailed, match="8080"):
        opened(ApiPlace(), fakes)
    (problem,) = opened(ApiPlace(), fakes, open_api_or_tell)
    assert "8080" in problem.problem.happened
    assert problem.problem.where == "API"


def test_what_the_administrator_forbids_is_told_and_this_machine_is_served():
    fakes = Fakes()
    fakes.policy = AdminPolicy(path="/p", exposure_forbidden=True)
    problem, event = opened(WIDE, fakes)
    assert "administrator forbids it in /p" in problem.problem.happened
    assert not problem.ends_run
    assert event.api == ApiOpened(url="http://127.0.0.1:8080")
