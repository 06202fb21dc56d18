"""One row of a machine's card: a worker, or a device that is none and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.session.state import ClusterState
from engine.vocabulary.device import DeviceKind, Gpu
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.plan import PlannedWorker
from engine.vocabulary.worker import WorkerId, WorkerOffer
from gui.texts.engine_words import engine_word
from gui.texts.translation import tr
from gui.what_to_show.cards.memory_bar_content import MemoryBarContent, bar_of, bare_cpu_bar, bare_gpu_bar
from gui.what_to_show.cards.placed import Placed
from gui.what_to_show.formatting import bytes_text, count_text, held_text, layers_text
from gui.what_to_show.worker_marks import NO_WORKER, WorkerMark, worker_name


class WorkerAction(StrEnum):
    """What can be asked of a worker."""

    SHOW_LOG = "show log"
    COPY_COMMAND = "copy command"
    WHY = "why"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEntry:
    """An entry of a worker's menu."""

    action: WorkerAction
    text: str


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
    menu: tuple[WorkerEntry, ...] = ()


def rows_of(
    state: ClusterState, placed: Placed, machine: Machine, offers: tuple[WorkerOffer, ...], load: MachineLoad | None
) -> tuple[WorkerRowContent, ...]:
    """A row per worker, then those devices that are none."""
    rows = [_offered_row(state, placed, machine, offer, load) for offer in offers]
    offered = {offer.device_name for offer in offers}
    if not any(offer.kind is DeviceKind.CPU for offer in offers):
        rows.insert(0, _bare_cpu_row(machine, load))
    rows += [_bare_gpu_row(machine, gpu, load) for gpu in machine.gpus if gpu.friendly_name not in offered]
    return tuple(rows)


def _offered_row(
    state: ClusterState, placed: Placed, machine: Machine, offer: WorkerOffer, load: MachineLoad | None
) -> WorkerRowContent:
    worker = placed.planned.get(offer.id)
    mark = placed.marks.get(offer.id, NO_WORKER)
    on = offer.id not in state.choices.left_out
    used = worker is not None and worker.used and (on or placed.runs_on(offer.id))
    badge, badge_words = _badge_of(worker, on=on, used=used)
    name = worker_name(offer, many_machines=False)
    return WorkerRowContent(
        worker_id=offer.id,
        name=name,
        detail=_detail_of(machine, offer),
        mark=mark if on or used else NO_WORKER,
        bar=bar_of(state, placed, machine, offer, load),
        badge=badge,
        badge_words=badge_words,
        badge_filled=used,
        switch_shown=True,
        switch_on=on,
        switch_words=tr("{name} takes part: plan again without it", name=name)
        if on
        else tr("{name} is left out: plan again with it", name=name),
        menu=_menu_of(used=used, has_log=bool(placed.phases.get(machine.id))),
    )


def _menu_of(*, used: bool, has_log: bool) -> tuple[WorkerEntry, ...]:
    """Only what would do something: a worker that the plan leaves out has no command, one that never ran has no log."""
    why = WorkerEntry(action=WorkerAction.WHY, text=tr("Why is it in?") if used else tr("Why is it left out?"))
    command = WorkerEntry(action=WorkerAction.COPY_COMMAND, text=tr("Copy its rpc-server command line"))
    log = WorkerEntry(action=WorkerAction.SHOW_LOG, text=tr("Show its log"))
    return (why, *((command,) if used else ()), *((log,) if has_log else ()))


def _badge_of(worker: PlannedWorker | None, *, on: bool, used: bool) -> tuple[str, str]:
    if not on and not used:
        return tr("off"), tr("Switched off: it holds nothing.")
    if worker is None:
        return "–", tr("Nothing is planned yet.")
    if not used:
        return tr("unused"), tr("The plan places nothing here.")
    text = layers_text(worker.first_layer, worker.last_layer, output=worker.holds_output)
    where = f", {engine_word(worker.offer.exposure)}" if worker.offer.is_native else ""
    held = f"{held_text(worker.n_layers, output=worker.holds_output)}: {bytes_text(worker.needed_bytes)}{where}"
    return text, held if on else tr("{held}, until this run ends: it is switched off for the next one", held=held)


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


def _bare_cpu_row(machine: Machine, load: MachineLoad | None) -> WorkerRowContent:
    cpu = machine.cpu
    cores = "" if cpu.physical_cores is None else f"{count_text(cpu.physical_cores, 'core')} · "
    return _bare_row(
        machine,
        name="CPU",
        device="cpu",
        detail=f"{cores}{bytes_text(cpu.ram_total_bytes)}",
        bar=bare_cpu_bar(machine, load),
        why=tr("Not a worker in this layout."),
    )


def _bare_gpu_row(machine: Machine, gpu: Gpu, load: MachineLoad | None) -> WorkerRowContent:
    total = gpu.memory_total_bytes
    size = bytes_text(total) if total is not None else tr("memory not known")
    return _bare_row(
        machine,
        name=gpu.friendly_name,
        device=gpu.friendly_name,
        detail=f"{_short_card_name(gpu.name)} · {size}",
        bar=bare_gpu_bar(machine, gpu, load),
        why=gpu.why_no_runtime_name or tr("Not a worker in this layout."),
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
