"""Seats: the devices of one search, each with its budget for layers, and what a search returns.

A budget is the usable memory of a worker less what it takes whatever layers it holds: the compute buffer and, on the last
device, the output head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.planning.memory.compute_buffers import DeviceRole
from engine.planning.memory.memory_needs import MemoryNeeds, coordinator_bytes, memory_needs, share_of, usable_bytes
from engine.vocabulary.plan import PlannedWorker, PlanRequest
from engine.vocabulary.worker import WorkerId, WorkerOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What a search found: workers in device order with their layer counts. The last one holds the output."""

    seats: tuple[tuple[WorkerOffer, int], ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Layers of each."""
        return tuple(count for _, count in self.seats)


def placement_of(order: Sequence[WorkerOffer], counts: Sequence[int]) -> Placement:
    """Drop the workers that hold nothing; the last of ``order`` always holds the output."""
    last = len(order) - 1
    return Placement(seats=tuple((offer, n) for i, (offer, n) in enumerate(zip(order, counts, strict=True)) if n or i == last))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What each worker can take of the layers."""

    request: PlanRequest
    needs: MemoryNeeds
    usable: tuple[tuple[WorkerId, int], ...]
    coordinator_bytes: int

    def usable_of(self, offer: WorkerOffer) -> int:
        """Safe memory, less llama-server's own where it runs on the same RAM."""
        return dict(self.usable)[offer.id]

    def for_layers(self, offer: WorkerOffer) -> int:
        """Bytes of layers that it can hold among others; negative = not even the buffers fit."""
        return self.usable_of(offer) - self.needs.layer_compute_bytes

    def for_layers_with_output(self, offer: WorkerOffer) -> int:
        """The same when it is the last of several devices."""
        return self.usable_of(offer) - self.needs.output_compute_bytes - self.needs.head_bytes

    def fits_alone(self, offer: WorkerOffer) -> bool:
        """Whether it can hold the whole model: one device is not pipelined, so its buffers are smaller."""
        return self.needs.total_bytes + self.needs.alone_compute_bytes <= self.usable_of(offer)

    @property
    def n_layers(self) -> int:
        """Layers without the output."""
        return len(self.needs.bytes_before) - 1


def most_usable(budgets: Budgets, order: Sequence[WorkerOffer]) -> tuple[WorkerOffer, ...]:
    """At most as many as llama.cpp takes: those with most usable memory, the first ones on ties, in the given order."""
    ranked = sorted(order, key=lambda offer: -budgets.usable_of(offer))
    kept = {offer.id for offer in ranked[: budgets.request.max_devices]}
    return tuple(offer for offer in order if offer.id in kept)


def budgets_of(request: PlanRequest) -> Budgets:
    """Reckon needs and usable memory once."""
    charge = coordinator_bytes(request.model, request.shape)
    usable = tuple((offer.id, usable_bytes(offer, request, charge)) for offer in request.offers)
    return Budgets(
        request=request,
        needs=memory_needs(request.model, request.shape, outputs_per_slot=request.outputs_per_slot),
        usable=usable,
        coordinator_bytes=charge,
    )


def layers_are_equal(needs: MemoryNeeds) -> bool:
    """Whether every layer takes the same memory: then the order of devices does not matter for what fits."""
    return len({after - before for before, after in pairwise(needs.bytes_before)}) <= 1


def shares_of(budgets: Budgets, placement: Placement) -> tuple[PlannedWorker, ...]:
    """The exact needs of every seat, in device order."""
    shares = []
    first = 0
    for position, (offer, count) in enumerate(placement.seats):
        role = DeviceRole(
            pipelined=len(placement.seats) > 1,
            is_first=position == 0,
            holds_output=position == len(placement.seats) - 1,
        )
        shares.append(share_of(offer, budgets.needs, budgets.request, first=first, n_layers=count, role=role))
        first += count
    return tuple(shares)
