"""Planned and actual, layer by layer."""

from engine.session.reducing.planned.layer_maps import layer_map_of, with_reported
from tests.fakes.states.cluster_plans import plan_of

PLAN = plan_of({"a": 2, "b": 3})
DEVICES = {"RPC0": "a", "RPC1": "b"}


def reported(*devices):
    return with_reported(layer_map_of(PLAN), tuple(enumerate(devices)), DEVICES)


def test_the_planned_map_has_the_output_layer_last():
    places = layer_map_of(PLAN).places
    assert [place.planned for place in places] == ["a", "a", "b", "b", "b"]
    assert {place.actual for place in places} == {None}
    assert not layer_map_of(PLAN).matches


def test_as_planned():
    assert reported("RPC0", "RPC0", "RPC1", "RPC1", "RPC1").matches


def test_one_layer_elsewhere():
    layer_map = reported("RPC0", "RPC1", "RPC1", "RPC1", "RPC1")
    assert layer_map.complete
    assert not layer_map.matches
    assert [(place.layer, place.planned, place.actual) for place in layer_map.differences] == [(1, "a", "b")]


def test_a_device_that_is_no_worker_keeps_its_name():
    assert reported("RPC0", "RPC0", "RPC1", "RPC1", "CPU").differences[0].actual == "CPU"


def test_half_a_report_is_no_match():
    layer_map = reported("RPC0", "RPC0")
    assert not layer_map.complete
    assert not layer_map.matches
    assert layer_map.differences == ()


def test_a_later_report_adds_to_the_earlier_one():
    layer_map = with_reported(reported("RPC0", "RPC0"), ((2, "RPC1"), (3, "RPC1"), (4, "RPC1")), DEVICES)
    assert layer_map.matches
