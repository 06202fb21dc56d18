"""The bounds hold together."""

from dataclasses import asdict

from engine.gateway.limits import Limits


def test_every_bound_is_a_bound():
    assert all(0 < value < float("inf") for value in asdict(Limits()).values())


def test_a_fault_is_noticed_before_a_request_is_given_up():
    """The session names the death of a process within 2 s."""
    assert Limits().notice_seconds > 2


def test_what_waits_fits_into_what_may_connect():
    assert Limits().most_waiting < Limits().most_connections
    assert Limits().most_waiting * Limits().kept_body_bytes <= 1024**3
