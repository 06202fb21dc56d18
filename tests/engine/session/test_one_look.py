"""One look, without a thread."""

from dataclasses import replace

from engine.measuring.calibration import speed_key
from engine.session.one_look import look_once
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.plan import Plan
from engine.vocabulary.worker import Speed
from tests.fakes.sessions.fake_outside import RUNTIME, TWO_WORKERS, Fakes, a_model


def test_a_plan_at_once():
    state = look_once(Fakes().outside(), TWO_WORKERS)
    assert isinstance(state.plan, Plan)
    assert len(state.commands) == 3


def test_stored_speeds_are_used():
    fakes = Fakes()
    offers = look_once(fakes.outside(), TWO_WORKERS).offers
    for offer in offers:
        fakes.speeds.save(speed_key(offer, RUNTIME, a_model()), Speed(read_bytes_per_second=1e9, measured=True))
    state = look_once(fakes.outside(), TWO_WORKERS)
    assert all(offer.speed.read_bytes_per_second == 1e9 for offer in state.offers)
    assert state.plan.predicted.decode_tokens_per_second is not None


def test_without_a_model():
    state = look_once(Fakes().outside(), replace(TWO_WORKERS, model_path=None))
    assert (state.plan, state.model) == (None, None)
    assert len(state.offers) == 2


def test_a_bad_model():
    state = look_once(Fakes().outside(), replace(TWO_WORKERS, model_path="/no.gguf"))
    assert state.model_problem is not None


def test_it_is_kept_to_the_administrators_policy():
    fakes = Fakes()
    free = look_once(fakes.outside(), TWO_WORKERS)
    fakes.policy = AdminPolicy(path="/etc/crossply/policy.toml", reserve_fraction=0.9)
    kept = look_once(fakes.outside(), TWO_WORKERS)
    assert kept.choices.reserve_fraction == 0.9
    assert kept.policy is fakes.policy
    assert all(less.safe_bytes < more.safe_bytes / 2 for less, more in zip(kept.offers, free.offers, strict=True))
