"""llama.cpp's own rule of which layer goes to which device, reimplemented bit by bit in float32.

Source: llama-model.cpp:1556-1614 (``load_tensors``, commit 0c1e570)::

    splits[i]  = float32 running sum of the tensor split, divided by its total
    start      = max(n_layer_all + 1 - n_gpu_layers, 0)        the first layers stay on the coordinator's CPU
    device     = std::upper_bound(splits, float(layer - start) / min(n_gpu_layers, n_layer_all + 1))

Layer ``n_layers`` is the output layer. With integers that sum to ``n_layers + 1`` device *i* gets exactly that many. Rejected:
numpy (a dependency for two roundings): Python's doubles rounded to float32 after each step give the same bits, because a
double has more than twice the digits that a single operation on float32 needs.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence

from engine.errors import BadInput

_FLOAT32 = struct.Struct("<f")
ALL_LAYERS = 999
"""For ``-ngl``: more than any model has."""


def assign_layers(n_layers: int, tensor_split: Sequence[float], n_gpu_layers: int = ALL_LAYERS) -> tuple[int | None, ...]:
    """The device index of every layer and, last, of the output layer; ``None`` = the coordinator's CPU.

    A negative ``n_gpu_layers`` means all, as in llama.cpp. Raises ``BadInput`` for a split of nothing: llama.cpp would then
    split by free memory, which only it knows.
    """
    if not any(tensor_split) or min(tensor_split) < 0:
        raise BadInput("The tensor split gives no device anything.", advice="Give at least one device a share above zero.")
    units = n_layers + 1
    offloaded = units if n_gpu_layers < 0 else min(n_gpu_layers, units)
    start = units - offloaded
    points = _split_points(tensor_split)
    return tuple(
        None if layer < start else bisect_right(points, _float32((layer - start) / offloaded)) for layer in range(units)
    )


def _split_points(tensor_split: Sequence[float]) -> list[float]:
    total = 0.0
    sums = []
    for share in tensor_split:
        total = _float32(total + _float32(share))
        sums.append(total)
    return [_float32(point / total) for point in sums]


def _float32(number: float) -> float:
    rounded: float = _FLOAT32.unpack(_FLOAT32.pack(number))[0]
    return rounded
