"""The order in which devices hold the layers, and which devices are considered at all.

Machines keep the order of the request, the coordinator's own machine stands last (its logits then cross no network), devices
of one machine are neighbours (inside one ``per-machine`` server they hand over without the coordinator). The output goes with
the last device; where that cannot be, another machine moves to the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.vocabulary.plan import PlanRequest
from engine.vocabulary.worker import WorkerOffer


def device_order(request: PlanRequest) -> tuple[WorkerOffer, ...]:
    """All offers in device order: machines as listed, the coordinator's machine last, each machine's devices together."""
    machines = list(dict.fromkeys(offer.machine_id for offer in request.offers))
    machines.sort(key=lambda machine: machine == request.coordinator_machine)
    return tuple(offer for machine in machines for offer in request.offers if offer.machine_id == machine)


def ending_with(order: Sequence[WorkerOffer], last: WorkerOffer) -> tuple[WorkerOffer, ...]:
    """The same order with ``last`` at the end, its machine's other devices just before it."""
    elsewhere = [offer for offer in order if offer.machine_id != last.machine_id]
    neighbours = [offer for offer in order if offer.machine_id == last.machine_id and offer.id != last.id]
    return (*elsewhere, *neighbours, last)


def possible_orders(order: Sequence[WorkerOffer]) -> tuple[tuple[WorkerOffer, ...], ...]:
    """The order itself, then one for each other device that may be last, the nearest to the end first."""
    return tuple(ending_with(order, last) if position else tuple(order) for position, last in enumerate(reversed(order)))
