"""Choices to a cluster file and back, and whether what is open differs from what is saved. Pure.

Only what a person made is compared: machines, model, sizes, split. What was found and measured of the machines (memory,
speeds, links) is written beside it, so that ``crossplyctl plan --cluster`` can plan from the file alone; it never counts as a
change. Ports that a file opens on the network are not opened by reading it: that takes a yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from msgspec import structs

from engine.errors import BadClusterFile, BadInput
from engine.planning.offers import offers_of_machine
from engine.session.state import Choices, ClusterDocument, ClusterState
from engine.settings.cluster_files.cluster_file import (
    GB,
    MB,
    ClusterFile,
    ClusterMachine,
    CpuEntry,
    DeviceEntry,
    GpuEntry,
    LinkEntry,
)
from engine.settings.cluster_files.cluster_run import RunEntry, SeatEntry, SplitEntry
from engine.settings.ssh_target import checked_target
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import THIS_MACHINE, Machine, MachineId
from engine.vocabulary.plan import GivenSplit, RunShape
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.worker import Layout, Link, WorkerId, WorkerOffer


def is_changed(state: ClusterState) -> bool:
    """Whether the open file would be another one if it were saved."""
    document = state.document
    if document.saved is None:
        return False
    now, saved = _made(state.choices), _made(document.saved)
    return now != (saved if document.exposure_answered else replace(saved, lan_addresses=now.lan_addresses))


def would_lose(state: ClusterState) -> bool:
    """Whether another file in this one's place would take something away that is nowhere else: changes of an open file, or
    machines and decisions that were never saved."""
    if state.document.saved is not None:
        return is_changed(state)
    choices = state.choices
    return bool(choices.targets or choices.left_out or choices.given)


def asks_for_exposure(state: ClusterState) -> tuple[tuple[MachineId, str], ...]:
    """Machine and address that the open file wants open on the network, while nobody has said yes or no."""
    document = state.document
    if state.policy.exposure_forbidden:
        return ()  # the administrator has answered
    return () if document.saved is None or document.exposure_answered else document.saved.lan_addresses


def _made(choices: Choices) -> Choices:
    """Without what belongs to this machine and not to a cluster, and in an order that means nothing."""
    return replace(with_own(choices, Choices()), lan_addresses=tuple(sorted(choices.lan_addresses)))


def with_own(choices: Choices, own: Choices) -> Choices:
    """The same cluster with what belongs to this machine and its person, and is in no cluster file, from ``own``."""
    return replace(
        choices,
        runtime_folder=own.runtime_folder,
        native=own.native,
        recovery=own.recovery,
        model_folders=own.model_folders,
    )


# -- reading


def choices_of_file(file: ClusterFile, path: str, before: Choices) -> Choices:
    """What the file says; what is in no file (programs, how they are used, where models are looked for) stays as chosen here,
    and so does the model where it names none. Raises ``BadClusterFile``."""
    ids = {machine.name: _id_of(machine, path) for machine in file.machine}
    reached = [machine for machine in file.machine if _is_reached(machine)]
    chosen = choices_of_run(file.run or RunEntry(), path, ids)
    return replace(
        with_own(chosen, before),
        model_path=chosen.model_path or before.model_path,
        targets=tuple(dict.fromkeys(_target_of(machine, path) for machine in reached)),
        lan_addresses=tuple((ids[machine.name], machine.exposure) for machine in reached if machine.exposure is not None),
    )


def choices_of_run(run: RunEntry, path: str, ids: Mapping[str, MachineId]) -> Choices:
    """The ``[run]`` table alone. ``ids``: machines that are known under another name than the file's."""
    shape = RunShape(
        context_tokens=run.context_tokens,
        slots=run.slots,
        batch_tokens=run.batch_tokens,
        ubatch_tokens=run.ubatch_tokens,
        cache_type_k=run.cache_type_k,
        cache_type_v=run.cache_type_v,
        flash_attention=run.flash_attention,
    )
    return Choices(
        model_path=None if run.model is None else str(PurePath(path).parent / run.model),
        policy=run.policy,
        layout=run.layout,
        shape=shape,
        reserve_fraction=run.reserve_fraction,
        cpu_workers=run.cpu_workers,
        left_out=frozenset(_renamed(worker, ids) for worker in run.left_out),
        given=_split_of(run.split, ids),
        prompt_share=run.prompt_share,
        keep_running=run.keep_running,
        api_port=run.api_port,
    )


def without_address(file: ClusterFile) -> tuple[str, ...]:
    """Names of machines that are only described: they cannot be reached, and stay in the file as they are."""
    return tuple(machine.name for machine in file.machine if machine.address is None and not _is_here(machine))


def _is_here(machine: ClusterMachine) -> bool:
    return machine.coordinator or machine.name == THIS_MACHINE


def _is_reached(machine: ClusterMachine) -> bool:
    return machine.address is not None and not _is_here(machine)


def _target_of(machine: ClusterMachine, path: str) -> SshTarget:
    try:
        return checked_target(SshTarget(host=machine.address or "", user=machine.user, port=machine.port))
    except BadInput as error:
        raise BadClusterFile(f"{path}, machine {machine.name!r}: {error.happened}", advice=error.advice) from None


def _id_of(machine: ClusterMachine, path: str) -> MachineId:
    if _is_here(machine):
        return THIS_MACHINE
    return _target_of(machine, path).machine_id if _is_reached(machine) else machine.id


def _renamed(worker: str, names: Mapping[str, str]) -> WorkerId:
    """``MACHINE/DEVICE`` with the machine's other name."""
    machine, slash, device = worker.partition("/")
    return WorkerId(f"{names.get(machine, machine)}{slash}{device}")


def _split_of(split: SplitEntry | None, ids: Mapping[str, MachineId]) -> GivenSplit | None:
    if split is None:
        return None
    return GivenSplit(name=split.name, seats=tuple((_renamed(seat.worker, ids), seat.layers) for seat in split.seats))


# -- writing


def file_of_state(state: ClusterState, choices: Choices) -> ClusterFile:
    """What to save: the choices, and what is known of the machines."""
    document = state.document
    old = {_id_of(machine, document.path or ""): machine for machine in document.machines}
    pending = dict(document.saved.lan_addresses) if document.saved is not None and not document.exposure_answered else {}
    exposures = pending | dict(choices.lan_addresses)
    here = _described(state, THIS_MACHINE, old.get(THIS_MACHINE) or ClusterMachine(name=THIS_MACHINE))
    machines = [structs.replace(here, coordinator=True)]
    for target in choices.targets:
        id_ = target.machine_id
        known = _described(state, id_, old.get(id_) or ClusterMachine(name=_new_name(id_, document.machines)))
        machines.append(
            structs.replace(known, address=target.host, user=target.user, port=target.port, exposure=exposures.get(id_))
        )
    machines += [machine for machine in document.machines if machine.address is None and not _is_here(machine)]
    names: dict[str, str] = {THIS_MACHINE: here.name}
    names |= {target.machine_id: entry.name for target, entry in zip(choices.targets, machines[1:], strict=False)}
    return ClusterFile(run=_run_of(choices, names), machine=tuple(machines))


def _new_name(id_: MachineId, machines: Iterable[ClusterMachine]) -> str:
    """Its id, unless a machine of the file is called so already."""
    taken = {machine.name for machine in machines}
    return next(
        name for number in range(1, len(taken) + 3) if (name := id_ if number == 1 else f"{id_} {number}") not in taken
    )


def _run_of(choices: Choices, names: dict[str, str]) -> RunEntry:
    shape, given = choices.shape, choices.given
    seats = () if given is None else tuple(SeatEntry(worker=_renamed(w, names), layers=n) for w, n in given.seats)
    return RunEntry(
        model=choices.model_path,
        context_tokens=shape.context_tokens,
        slots=shape.slots,
        batch_tokens=shape.batch_tokens,
        ubatch_tokens=shape.ubatch_tokens,
        cache_type_k=shape.cache_type_k,
        cache_type_v=shape.cache_type_v,
        flash_attention=shape.flash_attention,
        policy=choices.policy,
        layout=choices.layout,
        prompt_share=choices.prompt_share,
        reserve_fraction=choices.reserve_fraction,
        cpu_workers=choices.cpu_workers,
        keep_running=choices.keep_running,
        api_port=choices.api_port,
        left_out=tuple(sorted(_renamed(worker, names) for worker in choices.left_out)),
        split=None if given is None else SplitEntry(name=given.name, seats=seats),
    )


def _described(state: ClusterState, id_: MachineId, old: ClusterMachine) -> ClusterMachine:
    """The file's own words, with what is known now of its devices."""
    machine = _machine(state, id_)
    if machine is None:
        return old
    offers = offers_of_machine(machine, Layout.PER_DEVICE, speeds=dict(state.speeds))
    gpus_before = {gpu.device: gpu for gpu in old.gpus}
    cpu, gpus = old.cpu, []
    for offer in (offer for offer in offers if offer.total_bytes > 0):
        if offer.kind is DeviceKind.CPU:
            said = {**_said_of(offer, old.cpu), "threads": offer.threads}
            cpu = CpuEntry(**said)
        else:
            said = _said_of(offer, gpus_before.get(offer.device_name))
            gpus.append(GpuEntry(device=offer.device_name, **said))
    link = next((remote.link for remote in state.remotes if remote.id == id_), None)
    return structs.replace(old, cpu=cpu, gpus=tuple(gpus), link=old.link or _link_of(link))


def _machine(state: ClusterState, id_: MachineId) -> Machine | None:
    looked = next((remote.look.machine for remote in state.remotes if remote.id == id_ and remote.look is not None), None)
    return looked or next((machine for machine in state.machines if machine.id == id_), None)


def _said_of(offer: WorkerOffer, old: DeviceEntry | None) -> dict[str, Any]:
    """Memory as found; a limit and a speed that the file gave stay, else the speed that was measured here."""
    total = offer.total_bytes / MB
    said: dict[str, Any] = {"name": offer.description, "total_mb": total}
    if old is not None:
        said["safe_mb"] = old.safe_mb if old.safe_mb is None or old.safe_mb <= total else None
    if old is not None and old.bandwidth_gb_per_s is not None:
        kept = ("bandwidth_gb_per_s", "tflops", "overhead_ms")
        return said | {key: getattr(old, key) for key in kept}
    speed = offer.speed
    if speed is None or not speed.measured:
        return said
    flops = speed.compute_flops_per_second
    return said | {
        "bandwidth_gb_per_s": _rounded(speed.read_bytes_per_second / GB),
        "tflops": None if not flops else _rounded(flops / 1e12),
        "overhead_ms": _rounded(speed.overhead_seconds * 1000),
    }


def _link_of(link: Link | None) -> LinkEntry | None:
    if link is None or (not link.rtt_seconds and not link.bytes_per_second):
        return None
    rate = link.bytes_per_second
    return LinkEntry(
        rtt_ms=None if link.rtt_seconds is None else _rounded(link.rtt_seconds * 1000),
        mbit_per_s=None if not rate else _rounded(rate * 8 / MB),
    )


def _rounded(figure: float) -> float:
    """To four figures: no measurement here is better."""
    return float(f"{figure:.4g}")


def document_of(path: str, text: str, file: ClusterFile, choices: Choices, *, exposure_answered: bool) -> ClusterDocument:
    """The file that is open now."""
    return ClusterDocument(
        path=path,
        saved=choices,
        text=text,
        machines=file.machine,
        exposure_answered=exposure_answered or not choices.lan_addresses,
    )
