"""llama.cpp's default split: what a person gets who only lists the workers.

llama-model.cpp (``load_tensors``, no ``--tensor-split``): a device's share is its free memory, in listed order, the output
head counts as one layer like any other and stands on the last device with a share. Two things follow that file and not us:
a CPU device reports all its RAM as free (``ggml_backend_cpu_device_get_memory``), and nobody leaves 20 % alone. Where that
goes over safe memory the comparison says so instead of showing a speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from engine.llama_cpp.layer_assignment import assign_layers
from engine.vocabulary.comparison import Approach
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.plan import GivenSplit
from engine.vocabulary.worker import WorkerOffer


def default_split(n_layers: int, offers: Sequence[WorkerOffer]) -> GivenSplit:
    """The split of ``n_layers`` and the head over ``offers`` as listed. Workers without memory get nothing."""
    shares = [float(_reported_free_bytes(offer)) for offer in offers]
    if not any(shares):
        shares = [1.0] * len(offers)
    places = [place for place in assign_layers(n_layers, shares) if place is not None]
    counts = [(place, len(list(units))) for place, units in groupby(places)]
    last = len(counts) - 1
    seats = tuple((offers[place].id, count - (position == last)) for position, (place, count) in enumerate(counts))
    return GivenSplit(name=Approach.LLAMA_CPP.value, seats=seats)


def _reported_free_bytes(offer: WorkerOffer) -> int:
    if offer.kind is DeviceKind.CPU:
        return offer.total_bytes
    return max(0, offer.total_bytes - offer.used_by_others_bytes)
