"""The bar of one device: its memory, and beneath it what it is doing now.

The bar shows what is *placed* (the run's plan while there is a run, else the plan on the table) over what is *there*; a line
along its foot is what llama.cpp *reports*. Rejected: reported buffers instead of planned ones (they come late, and a
difference between the two is what one looks for).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.device import DeviceKind, Gpu
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.running.layer_map import ActualBuffers
from engine.vocabulary.worker import Exposure, WorkerOffer
from gui.texts.engine_words import engine_word
from gui.texts.translation import mark, tr
from gui.what_to_show.cards.placed import Placed
from gui.what_to_show.formatting import bytes_text, percent_text

_EXPOSURES = {
    Exposure.TUNNEL: mark("tunnel"),
    Exposure.LAN: mark("▲ open port"),
    Exposure.NATIVE: mark("in llama-server"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBarContent:
    """Fractions of the device's whole memory, left to right; what is left over is free."""

    used_by_others: float = 0.0
    weights: float = 0.0
    kv: float = 0.0
    compute: float = 0.0
    actual: float | None = None
    """What llama.cpp says that it has allocated, from the end of ``used_by_others``; ``None`` = it has not said."""
    safe_end: float = 1.0
    """Where the reserve begins (the tick)."""
    busy: float | None = None
    """The thin bar beneath; ``None`` = not known, and then nothing is drawn."""
    caption: tuple[str, ...] = ()
    """Short facts under the bar, the most wanted first: as many are drawn as there is room for."""
    words: str = ""
    """All of it for the tooltip and for screen readers."""


def bar_of(
    state: ClusterState, placed: Placed, machine: Machine, offer: WorkerOffer, load: MachineLoad | None
) -> MemoryBarContent:
    """The bar of a worker."""
    total = max(1, offer.total_bytes)
    worker = placed.planned.get(offer.id)
    used = worker if worker is not None and worker.used else None
    buffers = _reported(state, offer)
    busy, celsius = _doing_now(machine, offer, load)
    share = placed.time_shares.get(offer.id)
    return MemoryBarContent(
        used_by_others=offer.used_by_others_bytes / total,
        weights=used.weights_bytes / total if used else 0.0,
        kv=used.kv_bytes / total if used else 0.0,
        compute=used.compute_bytes / total if used else 0.0,
        actual=None if buffers is None else _bytes_in(buffers) / total,
        safe_end=max(0.0, min(1.0, 1.0 - state.choices.reserve_fraction)),
        busy=busy,
        caption=_caption_of(busy, celsius, None if share is None else share.fraction, _exposure_words(offer)),
        words="\n".join(
            [
                *_memory_words(state, placed, offer),
                *_doing_words(busy, celsius),
                *([] if share is None else [tr("{share} of a token's time, predicted", share=percent_text(share.fraction))]),
                tr("Its port: {exposure}", exposure=engine_word(offer.exposure)),
            ]
        ),
    )


def bare_cpu_bar(machine: Machine, load: MachineLoad | None) -> MemoryBarContent:
    """The bar of a processor that is no worker."""
    cpu = machine.cpu
    others = cpu.ram_total_bytes - cpu.ram_available_bytes
    busy = None if load is None else load.cpu_busy_fraction
    celsius = None if load is None else load.cpu_temperature_celsius
    words = [
        tr("{total} in all", total=bytes_text(cpu.ram_total_bytes)),
        tr("{size} used by others", size=bytes_text(others)),
        *_doing_words(busy, celsius),
    ]
    return MemoryBarContent(
        used_by_others=others / max(1, cpu.ram_total_bytes),
        busy=busy,
        caption=_caption_of(busy, celsius),
        words="\n".join(words),
    )


def bare_gpu_bar(machine: Machine, gpu: Gpu, load: MachineLoad | None) -> MemoryBarContent:
    """The bar of a GPU that is no worker."""
    total, free = gpu.memory_total_bytes, gpu.memory_free_bytes
    place = machine.gpus.index(gpu)
    busy, celsius = _gpu_now(place, load)
    size = (gpu.why_no_memory or tr("memory not known")) if total is None else tr("{total} in all", total=bytes_text(total))
    return MemoryBarContent(
        used_by_others=1 - free / total if total and free is not None else 0.0,
        busy=busy,
        caption=_caption_of(busy, celsius),
        words="\n".join([size, *_doing_words(busy, celsius)]),
    )


def _memory_words(state: ClusterState, placed: Placed, offer: WorkerOffer) -> list[str]:
    words = [
        tr("{total} in all", total=bytes_text(offer.total_bytes)),
        tr("{size} used by others", size=bytes_text(offer.used_by_others_bytes)),
    ]
    worker = placed.planned.get(offer.id)
    if worker is not None and worker.used:
        words += [
            tr("weights {size}", size=bytes_text(worker.weights_bytes)),
            tr("KV cache {size}", size=bytes_text(worker.kv_bytes)),
            tr("compute buffers {size}", size=bytes_text(worker.compute_bytes)),
        ]
    words.append(
        tr(
            "{safe} safe to use, {reserve} kept in reserve",
            safe=bytes_text(offer.safe_bytes),
            reserve=percent_text(state.choices.reserve_fraction),
        )
    )
    buffers = _reported(state, offer)
    if buffers is not None:
        words.append(
            tr(
                "llama.cpp reports: weights {weights}, KV {kv}, compute {compute}",
                weights=f"{bytes_text(buffers.weights_bytes)}{_mapped(buffers)}",
                kv=bytes_text(buffers.kv_bytes),
                compute=bytes_text(buffers.compute_bytes),
            )
        )
    return words


def _mapped(buffers: ActualBuffers) -> str:
    return tr(" ({size} of them pages of the file)", size=bytes_text(buffers.mapped_bytes)) if buffers.mapped_bytes else ""


def _reported(state: ClusterState, offer: WorkerOffer) -> ActualBuffers | None:
    if state.run is None or state.run_phase in (RunPhase.STOPPED, RunPhase.FAILED, RunPhase.RECOVERING):
        return None  # what a run that is over had allocated is not there any more
    return next((buffers for buffers in state.run.buffers if buffers.worker_id == offer.id), None)


def _bytes_in(buffers: ActualBuffers) -> int:
    return buffers.weights_bytes + buffers.kv_bytes + buffers.compute_bytes


def _doing_now(machine: Machine, offer: WorkerOffer, load: MachineLoad | None) -> tuple[float | None, float | None]:
    """How busy (0..1) and how hot (degrees Celsius)."""
    if load is None:
        return None, None
    if offer.kind is DeviceKind.CPU:
        return load.cpu_busy_fraction, load.cpu_temperature_celsius
    place = next((place for place, gpu in enumerate(machine.gpus) if gpu.friendly_name == offer.device_name), None)
    return (None, None) if place is None else _gpu_now(place, load)


def _gpu_now(place: int, load: MachineLoad | None) -> tuple[float | None, float | None]:
    if load is None:
        return None, None
    busy = load.gpu_busy_fractions[place] if place < len(load.gpu_busy_fractions) else None
    celsius = load.gpu_temperatures_celsius[place] if place < len(load.gpu_temperatures_celsius) else None
    return busy, celsius


def _caption_of(
    busy: float | None, celsius: float | None, time_share: float | None = None, exposure: str | None = None
) -> tuple[str, ...]:
    parts = (
        None if busy is None else percent_text(busy),
        None if celsius is None else f"{celsius:.0f} °C",
        None if time_share is None else tr("{time_share} of a token", time_share=percent_text(time_share)),
        exposure,
    )
    return tuple(part for part in parts if part is not None)


def _exposure_words(offer: WorkerOffer) -> str | None:
    """Nothing where it is as it always is."""
    words = _EXPOSURES.get(offer.exposure)
    return None if words is None else tr(words)


def _doing_words(busy: float | None, celsius: float | None) -> list[str]:
    words = [] if busy is None else [tr("{busy} busy now", busy=percent_text(busy))]
    return words if celsius is None else [*words, f"{celsius:.0f} °C"]
