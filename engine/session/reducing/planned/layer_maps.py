"""Planned and actual layer maps: from a plan, and from llama.cpp's device names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.vocabulary.plan import Plan
from engine.vocabulary.running.layer_map import LayerMap, LayerPlace
from engine.vocabulary.worker import WorkerId


def layer_map_of(plan: Plan) -> LayerMap:
    """The planned map, nothing reported yet. The last row is the output layer."""
    rows = range(plan.model.n_layers + 1)
    return LayerMap(places=tuple(LayerPlace(layer=row, planned=plan.worker_of_layer(row), actual=None) for row in rows))


def with_reported(
    layer_map: LayerMap, reported: tuple[tuple[int, str], ...], worker_of_device: Mapping[str, WorkerId]
) -> LayerMap:
    """The map with what llama.cpp reported. A device that is no worker keeps llama.cpp's name for it (``CPU``)."""
    actual = {layer: worker_of_device.get(device, device) for layer, device in reported}
    return LayerMap(places=tuple(replace(place, actual=actual.get(place.layer, place.actual)) for place in layer_map.places))
