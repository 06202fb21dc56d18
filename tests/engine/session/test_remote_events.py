"""Every event of remote machines is handled, and none can carry a secret."""

import dataclasses
import typing

from engine.session import remote_events
from engine.session.reducing.reduce import _HANDLERS


def test_every_event_has_a_handler():
    assert set(typing.get_args(remote_events.RemoteEvent)) <= set(_HANDLERS)


def test_events_are_frozen_and_hold_no_secret():
    for event in typing.get_args(remote_events.RemoteEvent):
        assert event.__dataclass_params__.frozen
        assert not [field.name for field in dataclasses.fields(event) if "secret" in field.name or "Secret" in str(field.type)]
