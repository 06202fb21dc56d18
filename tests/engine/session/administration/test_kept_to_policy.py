"""Choices that the administrator locked."""

from dataclasses import replace

from engine.session.administration.kept_to_policy import kept_to, overruled
from engine.session.state import Choices
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.machine import MachineId
from tests.fakes.sessions.drained_session import DrainedSession
from tests.fakes.sessions.fake_outside import Fakes

STRICT = AdminPolicy(path="/p", exposure_forbidden=True, reserve_fraction=0.4, model_folders=("/srv/models",))
OPEN = Choices(lan_addresses=((MachineId("m"), "10.0.0.1"),), reserve_fraction=0.1, model_folders=("/home/ada",))


def test_what_is_locked_is_as_it_is_locked_and_the_rest_as_chosen():
    kept = kept_to(STRICT, replace(OPEN, api_port=9000))
    assert (kept.lan_addresses, kept.reserve_fraction, kept.model_folders) == ((), 0.4, ("/srv/models",))
    assert kept.api_port == 9000


def test_no_policy_changes_nothing():
    assert kept_to(AdminPolicy(), OPEN) == OPEN
    assert overruled(AdminPolicy(), OPEN) == ()


def test_nothing_is_overruled_in_silence():
    port, reserve = overruled(STRICT, OPEN)
    assert "/p" in port
    assert "40%" in reserve


def test_the_default_was_not_asked_for():
    assert overruled(STRICT, Choices()) == ()


def test_a_session_keeps_to_it_from_its_first_choices_on():
    outside = replace(Fakes().outside(), policy=STRICT)
    session = DrainedSession(outside, OPEN)
    assert session.snapshot().choices.reserve_fraction == 0.4
    assert len(session.overruled) == 2
    session.choose(replace(session.chosen, reserve_fraction=0.05, lan_addresses=OPEN.lan_addresses))
    assert session.snapshot().choices.reserve_fraction == 0.4
    assert session.chosen.lan_addresses == ()
    assert session.snapshot().policy == STRICT
