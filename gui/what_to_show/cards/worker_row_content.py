"""One row of a machine's card: a worker, or a device that is none and why.

The bars show what is *placed* (the run's plan while there is a run, else the plan on the table) over what is *there*.
Rejected: showing llama.cpp's reported buffers in the bar (they come late and per device; they are in the tooltip instead).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.device import DeviceKind, Gpu
from engine.vocabulary.layer_map import ActualBuffers
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.plan import Plan, PlannedWorker
from engine.vocabulary.worker import WorkerId, WorkerOffer
from gui.what_to_show.formatting import bytes_text, count_text, layers_text, percent_text
from gui.what_to_show.worker_marks import NO_WORKER, WorkerMark, marks_of, worker_name


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBarContent:
    """Fractions of the device's whole memory, left to right; what is left over is free."""

    used_by_others: float = 0.0
    weights: float = 0.0
    kv: float = 0.0
    compute: float = 0.0
    safe_end: float = 1.0
    """Where the reserve begins (the tick)."""
    busy: float | None = None
    """The thin bar beneath; ``None`` = not known, and then nothing is drawn."""
    words: str = ""
    """The same for the tooltip and for screen readers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRowContent:
    """One worker of a card."""

    worker_id: WorkerId
    name: str
    detail: str
    mark: WorkerMark
    bar: MemoryBarContent
    badge: str
    badge_words: str
    badge_filled: bool
    switch_shown: bool
    switch_on: bool
    switch_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What all cards look up, worked out once (with 200 machines: 10 times a second)."""

    marks: dict[WorkerId, WorkerMark]
    planned: dict[WorkerId, PlannedWorker]
    plan: Plan | None


def shown_plan(state: ClusterState) -> Plan | None:
    """The plan whose placement is drawn: the run's while there is one to speak of, else the one on the table."""
    if state.run is not None and state.run_phase not in (RunPhase.STOPPED, RunPhase.FAILED):
        return state.run.plan
    return state.plan if isinstance(state.plan, Plan) else None


def placed_of(state: ClusterState) -> Placed:
    """What all cards look up."""
    plan = shown_plan(state)
    planned = {} if plan is None else {worker.id: worker for worker in plan.workers}
    return Placed(marks=marks_of(state), planned=planned, plan=plan)


def rows_of(
    state: ClusterState, placed: Placed, machine: Machine, offers: list[WorkerOffer], load: MachineLoad | None
) -> tuple[WorkerRowContent, ...]:
    """A row per worker, then those devices that are none."""
    rows = [
        _offered_row(state, machine, offer, placed.planned.get(offer.id), placed.marks.get(offer.id, NO_WORKER), load)
        for offer in offers
    ]
    offered = {offer.device_name for offer in offers}
    if not any(offer.kind is DeviceKind.CPU for offer in offers):
        rows.insert(0, _bare_cpu_row(machine, load))
    rows += [_bare_gpu_row(machine, gpu) for gpu in machine.gpus if gpu.friendly_name not in offered]
    return tuple(rows)


def _offered_row(
    state: ClusterState,
    machine: Machine,
    offer: WorkerOffer,
    worker: PlannedWorker | None,
    mark: WorkerMark,
    load: MachineLoad | None,
) -> WorkerRowContent:
    on = offer.id not in state.choices.left_out
    badge, badge_words = _badge_of(worker, on=on)
    used = worker is not None and worker.used
    name = worker_name(offer, many_machines=False)
    return WorkerRowContent(
        worker_id=offer.id,
        name=name,
        detail=_detail_of(machine, offer),
        mark=mark if on else NO_WORKER,
        bar=_bar_of(state, offer, worker, _busy_of(machine, offer, load)),
        badge=badge,
        badge_words=badge_words,
        badge_filled=used and on,
        switch_shown=True,
        switch_on=on,
        switch_words=f"{name} takes part: plan again without it" if on else f"{name} is left out: plan again with it",
    )


def _badge_of(worker: PlannedWorker | None, *, on: bool) -> tuple[str, str]:
    if not on:
        return "off", "Switched off: it holds nothing."
    if worker is None:
        return "–", "Nothing is planned yet."
    if not worker.used:
        return "unused", "The plan places nothing here."
    text = layers_text(worker.first_layer, worker.last_layer, output=worker.holds_output)
    head = " and the output head" if worker.holds_output else ""
    where = f", {worker.offer.exposure.value}" if worker.offer.is_native else ""
    return text, f"{count_text(worker.n_layers, 'layer')}{head}: {bytes_text(worker.needed_bytes)}{where}"


def _detail_of(machine: Machine, offer: WorkerOffer) -> str:
    total = bytes_text(offer.total_bytes)
    if offer.kind is DeviceKind.CPU and machine.cpu.physical_cores is not None:
        cores = offer.threads or machine.cpu.physical_cores
        return f"{count_text(cores, 'core')} · {total}"
    return f"{_short_card_name(offer.description)} · {total}" if offer.description else total


def _short_card_name(name: str) -> str:
    for maker in ("NVIDIA GeForce ", "NVIDIA ", "AMD Radeon ", "AMD ", "Intel(R) ", "Intel "):
        if name.startswith(maker):
            return name[len(maker) :]
    return name


def _busy_of(machine: Machine, offer: WorkerOffer, load: MachineLoad | None) -> float | None:
    if load is None:
        return None
    if offer.kind is DeviceKind.CPU:
        return load.cpu_busy_fraction
    for place, gpu in enumerate(machine.gpus):
        if gpu.friendly_name == offer.device_name and place < len(load.gpu_busy_fractions):
            return load.gpu_busy_fractions[place]
    return None


def _bar_of(state: ClusterState, offer: WorkerOffer, worker: PlannedWorker | None, busy: float | None) -> MemoryBarContent:
    total = max(1, offer.total_bytes)
    words = [f"{bytes_text(offer.total_bytes)} in all", f"{bytes_text(offer.used_by_others_bytes)} used by others"]
    weights = kv = compute = 0
    if worker is not None and worker.used:
        weights, kv, compute = worker.weights_bytes, worker.kv_bytes, worker.compute_bytes
        words += [f"weights {bytes_text(weights)}", f"KV cache {bytes_text(kv)}", f"compute buffers {bytes_text(compute)}"]
    words.append(f"{bytes_text(offer.safe_bytes)} safe to use, {percent_text(state.choices.reserve_fraction)} kept in reserve")
    words += _reported(state, offer)
    if busy is not None:
        words.append(f"{percent_text(busy)} busy now")
    return MemoryBarContent(
        used_by_others=offer.used_by_others_bytes / total,
        weights=weights / total,
        kv=kv / total,
        compute=compute / total,
        safe_end=max(0.0, min(1.0, 1.0 - state.choices.reserve_fraction)),
        busy=busy,
        words="\n".join(words),
    )


def _reported(state: ClusterState, offer: WorkerOffer) -> list[str]:
    if state.run is None:
        return []
    return [
        f"llama.cpp reports: weights {bytes_text(buffers.weights_bytes)}{_mapped(buffers)}, "
        f"KV {bytes_text(buffers.kv_bytes)}, compute {bytes_text(buffers.compute_bytes)}"
        for buffers in state.run.buffers
        if buffers.worker_id == offer.id
    ]


def _mapped(buffers: ActualBuffers) -> str:
    return f" ({bytes_text(buffers.mapped_bytes)} of them pages of the file)" if buffers.mapped_bytes else ""


def _bare_cpu_row(machine: Machine, load: MachineLoad | None) -> WorkerRowContent:
    cpu = machine.cpu
    others = cpu.ram_total_bytes - cpu.ram_available_bytes
    cores = "" if cpu.physical_cores is None else f"{count_text(cpu.physical_cores, 'core')} · "
    return _bare_row(
        machine,
        name="CPU",
        device="cpu",
        detail=f"{cores}{bytes_text(cpu.ram_total_bytes)}",
        bar=MemoryBarContent(
            used_by_others=others / max(1, cpu.ram_total_bytes),
            busy=None if load is None else load.cpu_busy_fraction,
            words=f"{bytes_text(cpu.ram_total_bytes)} in all\n{bytes_text(others)} used by others",
        ),
        why="Not a worker in this layout.",
    )


def _bare_gpu_row(machine: Machine, gpu: Gpu) -> WorkerRowContent:
    total = gpu.memory_total_bytes
    free = gpu.memory_free_bytes
    known = total is not None and free is not None and total > 0
    size = bytes_text(total) if total is not None else "memory not known"
    return _bare_row(
        machine,
        name=gpu.friendly_name,
        device=gpu.friendly_name,
        detail=f"{_short_card_name(gpu.name)} · {size}",
        bar=MemoryBarContent(
            used_by_others=1 - (free or 0) / total if known and total else 0.0,
            words=size if total is not None else (gpu.why_no_memory or size),
        ),
        why=gpu.why_no_runtime_name or "Not a worker in this layout.",
    )


def _bare_row(machine: Machine, *, name: str, device: str, detail: str, bar: MemoryBarContent, why: str) -> WorkerRowContent:
    return WorkerRowContent(
        worker_id=WorkerId(f"{machine.id}/{device}"),
        name=name,
        detail=detail,
        mark=NO_WORKER,
        bar=bar,
        badge="–",
        badge_words=why,
        badge_filled=False,
        switch_shown=False,
        switch_on=False,
        switch_words=why,
    )
