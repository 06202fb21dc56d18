"""The lines of ``load_program``, checked, and what they say of the machine: counters become rates here. Pure.

GPUs are found again by vendor and order: ``match_gpus`` puts those that the look has seen first and in their order, and the
lines list NVIDIA's by index and AMD's and Intel's by PCI address, as the look does. What only the runtime lists stays unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from engine.machines.gpus.nvidia_smi import smi_number
from engine.machines.remote_probe.sent.sent_text import MOST_BYTES_OF_MEMORY, SenselessError
from engine.machines.system_facts import ProcessorTimes
from engine.vocabulary.device import Vendor
from engine.vocabulary.machine import Machine, MachineLoad

MOST_LINE_BYTES = 16384
_COLDEST, _HOTTEST = -60.0, 200.0
"""Degrees Celsius; a sensor that says more is not one, or not connected."""
_VENDORS = {"0x1002": Vendor.AMD, "0x8086": Vendor.INTEL}
_MIB = 1 << 20
_MOST_GPUS = 64

_Counter = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, le=MOST_BYTES_OF_MEMORY)]
_Milli = Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)]
_Percent = Annotated[int, msgspec.Meta(ge=0, le=1000)]
_Card = tuple[str, _Percent | None, _Bytes | None, _Bytes | None, _Milli | None]
"""Vendor, busy percent, total and used memory, temperature."""


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """As it is sent. Temperatures in thousandths of a degree."""

    t: Annotated[float, msgspec.Meta(ge=0, le=1e12)]
    cpu: tuple[_Counter, _Counter] | None
    ram: _Bytes | None
    net: tuple[_Counter, _Counter] | None
    cpu_mc: _Milli | None
    nv: Annotated[list[str], msgspec.Meta(max_length=_MOST_GPUS)]
    drm: Annotated[list[_Card], msgspec.Meta(max_length=_MOST_GPUS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _GpuNow:
    busy_fraction: float | None = None
    free_bytes: int | None = None
    celsius: float | None = None


class LoadLines:
    """Of one machine: remembers the line before."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._last: _Line | None = None

    def read(self, line: bytes, now_seconds: float) -> MachineLoad:
        """One sample. The first has no rates. Raises ``SenselessError``."""
        this, last = _decode(line), self._last
        self._last = this
        gpus = self._gpus(this)
        received, sent = _network_rates(this, last)
        return MachineLoad(
            machine_id=self._machine.id,
            taken_at_seconds=now_seconds,
            cpu_busy_fraction=_cpu_busy(this, last),
            ram_available_bytes=None if this.ram is None else min(this.ram, self._machine.cpu.ram_total_bytes),
            gpu_busy_fractions=tuple(gpu.busy_fraction for gpu in gpus),
            gpu_free_bytes=tuple(gpu.free_bytes for gpu in gpus),
            gpu_temperatures_celsius=tuple(gpu.celsius for gpu in gpus),
            cpu_temperature_celsius=_celsius(this.cpu_mc),
            network_received_bytes_per_second=received,
            network_sent_bytes_per_second=sent,
        )

    def _gpus(self, line: _Line) -> list[_GpuNow]:
        by_index = dict(_of_nvidia(text) for text in line.nv)
        waiting = {Vendor.NVIDIA: [by_index.get(index, _GpuNow()) for index in range(max(by_index, default=-1) + 1)]}
        for vendor, percent, total, used, milli in line.drm:
            free = None if total is None or used is None else max(0, total - used)
            now = _GpuNow(busy_fraction=_fraction(percent), free_bytes=free, celsius=_celsius(milli))
            waiting.setdefault(_VENDORS.get(vendor, Vendor.OTHER), []).append(now)
        found = []
        for gpu in self._machine.gpus:
            of_vendor = waiting.get(gpu.vendor, [])
            found.append(of_vendor.pop(0) if of_vendor and not gpu.software else _GpuNow())
        return found


def _decode(line: bytes) -> _Line:
    try:
        return msgspec.json.decode(line.decode("ascii"), type=_Line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SenselessError("a line about its load is damaged") from error


def _cpu_busy(this: _Line, last: _Line | None) -> float | None:
    if this.cpu is None or last is None or last.cpu is None:
        return None
    now, before = (ProcessorTimes(busy_seconds=busy, idle_seconds=idle) for busy, idle in (this.cpu, last.cpu))
    return now.busy_fraction_since(before)


def _network_rates(this: _Line, last: _Line | None) -> tuple[float | None, float | None]:
    """(received, sent) in bytes per second, by the machine's own clock. Counters turn back when an interface goes away."""
    if this.net is None or last is None or last.net is None or this.t <= last.t:
        return None, None
    seconds = this.t - last.t
    received, sent = (now - before for now, before in zip(this.net, last.net, strict=True))
    return (received / seconds if received >= 0 else None), (sent / seconds if sent >= 0 else None)


def _of_nvidia(text: str) -> tuple[int, _GpuNow]:
    """(index, sample)."""
    fields = text.split(",")
    if len(fields) != 4:
        raise SenselessError("a line of nvidia-smi is damaged")
    try:
        index, percent, free, celsius = (smi_number(field) for field in fields)
    except ValueError as error:
        raise SenselessError("nvidia-smi tells a number that is none") from error
    if index is None or index >= _MOST_GPUS:
        raise SenselessError("a line of nvidia-smi is damaged")
    return index, _GpuNow(
        busy_fraction=_fraction(percent),
        free_bytes=None if free is None else free * _MIB,
        celsius=_celsius(None if celsius is None else celsius * 1000),
    )


def _fraction(percent: int | None) -> float | None:
    return None if percent is None else min(1.0, percent / 100)


def _celsius(milli: int | None) -> float | None:
    return milli / 1000 if milli is not None and _COLDEST <= milli / 1000 <= _HOTTEST else None
