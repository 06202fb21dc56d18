"""What the search for the fastest placement works on: devices as arrays, and the objective.

The objective is ``(1 - prompt_share) * seconds per generated token + prompt_share * seconds per prompt token``. Its prefill
part is not a sum: a period of the pipeline is the largest of three (all devices but the last; the last; those that share a
server or a memory bus with it). A ``Blend`` of the three is a sum and never more, so ``SearchSpace.sums`` bounds the objective
from below; with all the weight on one of them it is exact wherever that one is the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from engine.planning.costs.cost_model import SAME_MACHINE_CPU_OVERLAP, period_seconds
from engine.planning.costs.device_costs import (
    DeviceCosts,
    PassCosts,
    PromptPass,
    device_costs,
    headline_prompt_tokens,
    prompt_passes,
)
from engine.planning.fastest.window_minimum import Floats, Ints, Windows, windows_of
from engine.planning.seats import Budgets
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.worker import WorkerOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """Weights of the three parts of a period; together 1 at most."""

    others: float = 0.0
    last: float = 0.0
    sharing: float = 0.0
    """Of the devices that share ``key``, the last one among them."""
    key: str | None = None
    """It says something of placements whose last device has this key; ``None`` = of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A device (place in ``SearchSpace.devices``) with the layers ``first .. end - 1``."""

    device: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device as the search sees it; devices with equal fields are interchangeable."""

    budget: int
    output_budget: int
    costs: DeviceCosts
    shared: tuple[tuple[str, float], ...]
    """Keys of the server and the memory bus that others share, and how many times faster those are together than in turn.
    Only where a prompt counts."""

    def applies(self, blend: Blend) -> bool:
        """Whether ``blend`` says something of placements that end here."""
        return blend.key is None or self.part_of(blend) > 0.0

    def part_of(self, blend: Blend) -> float:
        """What a second of this device adds to the part that shares the blend's key."""
        return sum(1.0 / overlap for key, overlap in self.shared if key == blend.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Interchangeable devices."""

    device: Device
    places: tuple[int, ...]
    """In ``SearchSpace.devices``, in listed order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """What a device adds to an additive objective. ``*_before`` are prefix sums over layers."""

    before: Floats
    charge: float
    last_before: Floats
    last_charge: float


class SearchSpace:
    """The devices of one request, in listed order. Raises ``ValueError`` for one that has no speed."""

    def __init__(self, budgets: Budgets, order: Sequence[WorkerOffer]) -> None:
        request = budgets.request
        self.offers = tuple(order)
        self.n_layers = budgets.n_layers
        self.max_devices = max(1, request.max_devices)
        self.sizes: Ints = np.array(budgets.needs.bytes_before, dtype=np.int64)
        self._passes = prompt_passes(request.model, request.shape)
        costs = [_costs(offer, budgets, self._passes) for offer in order]
        self.prompt_share = request.prompt_share if all(cost.stages is not None for cost in costs) else 0.0
        self._prompt_weight = self.prompt_share / max(1, headline_prompt_tokens(request.shape))
        self.devices = tuple(
            Device(
                budget=budgets.for_layers(offer),
                output_budget=budgets.for_layers_with_output(offer),
                costs=cost,
                shared=self._shared(offer) if self.prompt_share else (),
            )
            for offer, cost in zip(order, costs, strict=True)
        )
        self.fits_alone = tuple(budgets.fits_alone(offer) for offer in order)
        self._windows: dict[tuple[int, ...], Windows] = {}
        self._prefix_sums: dict[int, Floats] = {}

    def _shared(self, offer: WorkerOffer) -> tuple[tuple[str, float], ...]:
        beside = [other for other in self.offers if other.id != offer.id]
        one_server = any(other.endpoint == offer.endpoint and not offer.is_native for other in beside)
        is_cpu = offer.kind is DeviceKind.CPU
        one_ram = is_cpu and any(o.kind is offer.kind and o.machine_id == offer.machine_id for o in beside)
        server, ram = (f"server {offer.endpoint}", 1.0), (f"memory of {offer.machine_id}", SAME_MACHINE_CPU_OVERLAP)
        return (server,) * one_server + (ram,) * one_ram

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """Interchangeable devices together, in listed order."""
        places: dict[Device, list[int]] = {}
        for place, device in enumerate(self.devices):
            places.setdefault(device, []).append(place)
        return tuple(Kind(device=device, places=tuple(each)) for device, each in places.items())

    @property
    def blends(self) -> tuple[Blend, ...]:
        """Which blends bound the objective: one is enough where nothing is pipelined."""
        if not self.prompt_share or not any(each.periods for each in self._passes):
            return (Blend(others=1.0),)
        plain = (Blend(others=0.5, last=0.5), Blend(others=1.0), Blend(last=1.0))
        keys = dict.fromkeys(key for device in self.devices for key, _ in device.shared)
        keyed = [(Blend(sharing=1.0, key=key), Blend(others=0.5, sharing=0.5, key=key)) for key in keys]
        return (*plain, *(blend for pair in keyed for blend in pair))

    @property
    def share_of_walks(self) -> float | None:
        """Where one sum over all devices but the last decides, so that the least of it is the best before every ending: how
        much of that sum counts while the last device holds the others up (``Blend(last=1.0)``), when all of it counts
        otherwise (``Blend(others=1.0)``). ``None``: no one sum decides."""
        pipelined = [each for each in self._passes if each.periods]
        one_size = len(self._passes) == len(pipelined) == 1
        if self.prompt_share < 1.0 or not one_size or any(device.shared for device in self.devices):
            return None
        return pipelined[0].walks / (pipelined[0].walks + pipelined[0].periods)

    @property
    def layers_are_equal(self) -> bool:
        """Whether layers are alike in memory and in seconds on every device: then the order of devices does not matter."""
        if len(set(np.diff(self.sizes).tolist())) > 1:
            return False
        return all(len(set(each.layer_seconds)) <= 1 for device in self.devices for each in _passes_of(device))

    def earliest(self, device: Device) -> Ints:
        """Per ``end`` the first layer from which this device holds everything before ``end`` (``>= end``: nothing)."""
        earliest = np.searchsorted(self.sizes, self.sizes - device.budget, side="left").astype(np.int64)
        return np.minimum(earliest, np.arange(len(self.sizes)))

    def earliest_as_last(self, device: Device) -> int:
        """The first layer from which it holds the rest and the output; more than ``n_layers``: not even the output."""
        return int(np.searchsorted(self.sizes, self.sizes[-1] - device.output_budget, side="left"))

    def windows(self, device: Device) -> Windows:
        """``earliest``, ready for ``window_minimum``."""
        earliest = self.earliest(device)
        key = tuple(earliest.tolist())
        if key not in self._windows:
            self._windows[key] = windows_of(earliest)
        return self._windows[key]

    def sums(self, device: Device, blend: Blend) -> Sums:
        """What it adds to the additive bound of the objective under ``blend``."""
        decode, once = device.costs.decode, device.costs.once_seconds
        share, weight = 1.0 - self.prompt_share, self._prompt_weight
        before = share * self._before(decode)
        charge = share * decode.charge_seconds
        last_before = before.copy()
        last_charge = share * (decode.output_charge_seconds + decode.head_seconds) + weight * once
        if weight:
            for stage, each in zip(device.costs.stages or (), self._passes, strict=True):
                sharing = blend.sharing * device.part_of(blend)
                among, last = (each.walks + each.periods * (part + sharing) for part in (blend.others, blend.last))
                before += weight * among * self._before(stage)
                charge += weight * among * stage.charge_seconds
                last_before += weight * last * self._before(stage)
                last_charge += weight * last * stage.output_charge_seconds
        return Sums(before=before, charge=charge, last_before=last_before, last_charge=last_charge)

    def _before(self, costs: PassCosts) -> Floats:
        """Prefix sums over layers, made once: every blend asks for them. Not to be changed."""
        known = self._prefix_sums.get(id(costs))
        if known is None:
            known = self._prefix_sums[id(costs)] = np.array(list(accumulate(costs.layer_seconds, initial=0.0)))
        return known

    def seconds(self, seats: Sequence[Seat]) -> float:
        """The objective itself, of seats in device order: seconds per token of the mix."""
        last = len(seats) - 1
        decode = sum(
            _seconds(self.devices[seat.device].costs.decode, seat, is_last=place == last) for place, seat in enumerate(seats)
        )
        if not self._prompt_weight:
            return decode
        return (1.0 - self.prompt_share) * decode + self._prompt_weight * self._prompt_seconds(seats)

    def _prompt_seconds(self, seats: Sequence[Seat]) -> float:
        total, last = self.devices[seats[-1].device].costs.once_seconds, len(seats) - 1
        offers = [self.offers[seat.device] for seat in seats]
        for index, each in enumerate(self._passes):
            stages = [
                _seconds((self.devices[seat.device].costs.stages or ())[index], seat, is_last=place == last)
                for place, seat in enumerate(seats)
            ]
            total += each.walks * sum(stages) + (each.periods * period_seconds(offers, stages) if each.periods else 0.0)
        return total


def _costs(offer: WorkerOffer, budgets: Budgets, passes: Sequence[PromptPass]) -> DeviceCosts:
    costs = device_costs(offer, budgets.request.model, budgets.request.shape, passes)
    if costs is None:
        raise ValueError(f"the fastest policy was asked about {offer.id}, which has no speed")
    return costs


def _passes_of(device: Device) -> tuple[PassCosts, ...]:
    return (device.costs.decode, *(device.costs.stages or ()))


def _seconds(costs: PassCosts, seat: Seat, *, is_last: bool) -> float:
    layers = sum(costs.layer_seconds[seat.first : seat.end])
    return layers + (costs.output_charge_seconds + costs.head_seconds if is_last else costs.charge_seconds)
