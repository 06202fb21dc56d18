"""Every event is frozen and has a handler."""

import dataclasses
import typing

import pytest

from engine.session import events
from engine.session.reducing.reduce import _HANDLERS


@pytest.mark.parametrize("kind", typing.get_args(events.Event), ids=lambda kind: kind.__name__)
def test_every_event(kind):
    assert kind in _HANDLERS
    assert kind.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(kind))


def test_no_handler_is_left_over():
    assert set(_HANDLERS) == set(typing.get_args(events.Event))
