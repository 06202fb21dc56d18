"""A recorded run on the machines that are here: the same split, and every difference in a sentence. Pure.

Workers are found by the name of their machine and the name of their device; what the coordinator's own machine did there, the
coordinator's own machine does here. Rejected: matching by speed or memory (another split would be another run).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.planning.words.amounts import amount
from engine.vocabulary.machine import THIS_MACHINE, Machine
from engine.vocabulary.plan import GivenSplit
from engine.vocabulary.running.run_record import RecordedBuild, RecordedMachine, RecordedWorker, RunRecord
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Exposure, WorkerOffer

MEMORY_TOLERANCE = 0.02
"""Systems report a little less or more RAM after an update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What of a run can be had here."""

    split: GivenSplit | None
    """``None`` when a machine or a device is missing."""
    missing: tuple[str, ...]
    differences: tuple[str, ...]
    """Build, model, machines, devices; none of them keeps it from running."""


def reproduction_of(
    record: RunRecord, *, runtime: Runtime | None, model_hash: str, machines: Sequence[Machine], offers: Sequence[WorkerOffer]
) -> Reproduction:
    """``offers`` under the layout of the record."""
    pairs = [(worker, _offer_like(worker, machines, offers)) for worker in record.workers]
    missing = tuple(_missing(worker, machines) for worker, offer in pairs if offer is None)
    here = [(worker, offer) for worker, offer in pairs if offer is not None]
    seats = tuple((offer.id, worker.n_layers) for worker, offer in here)
    differences = (
        *_of_build(record.build, runtime),
        *_of_model(record, model_hash),
        *_of_machines(record.machines, machines),
        *(sentence for worker, offer in here for sentence in _of_worker(worker, offer)),
    )
    name = f"Run {record.id}" if record.id else "The recorded run"
    native = frozenset(offer.id for worker, offer in here if was_native(worker))
    split = None if missing else GivenSplit(name=name, seats=seats, native=native)
    return Reproduction(split=split, missing=missing, differences=differences)


def was_native(worker: RecordedWorker) -> bool:
    """Whether llama-server used it itself."""
    return worker.exposure == Exposure.NATIVE


def _machine_like(recorded_id: str, name: str, machines: Iterable[Machine]) -> Machine | None:
    machines = tuple(machines)
    if recorded_id == THIS_MACHINE:
        return next((machine for machine in machines if machine.id == THIS_MACHINE), None)
    alike = [machine for machine in machines if machine.name == name and machine.id != THIS_MACHINE]
    return next((machine for machine in alike if machine.id == recorded_id), next(iter(alike), None))  # two "raspberrypi"


def _offer_like(worker: RecordedWorker, machines: Sequence[Machine], offers: Iterable[WorkerOffer]) -> WorkerOffer | None:
    machine = _machine_like(worker.machine_id, worker.machine_name, machines)
    if machine is None:
        return None
    return next((o for o in offers if o.machine_id == machine.id and o.device_name == worker.device_name), None)


def _missing(worker: RecordedWorker, machines: Sequence[Machine]) -> str:
    if _machine_like(worker.machine_id, worker.machine_name, machines) is None:
        return f"There is no machine {worker.machine_name} here: add it with --machine."
    return f"{worker.machine_name} has no worker {worker.device_name} ({worker.description}) here."


def _of_build(build: RecordedBuild, runtime: Runtime | None) -> Iterator[str]:
    there = _build_in_words(build.build_number, build.commit)
    here = "none" if runtime is None else _build_in_words(runtime.build_number, runtime.commit)
    if there != here:
        yield f"llama.cpp was {there}, here it is {here}."


def _build_in_words(number: int | None, commit: str | None) -> str:
    return f"b{number or '?'} ({commit or 'unknown commit'})"


def _of_model(record: RunRecord, model_hash: str) -> Iterator[str]:
    if not record.model.hash or not model_hash:
        yield f"Whether the model is the same {record.model.name} is not known: one of the files has no hash."
    elif record.model.hash != model_hash:
        yield f"The model is another file than the {record.model.name} of the run."


def _of_machines(recorded: Iterable[RecordedMachine], machines: Sequence[Machine]) -> Iterator[str]:
    for there in recorded:
        here = _machine_like(there.id, there.name, machines)
        if here is None:
            continue
        if here.name != there.name:
            yield f"The coordinator was {there.name}, here it is {here.name}."
        if here.cpu.name != there.cpu:
            yield f"{here.name}: the processor was {there.cpu}, here it is {here.cpu.name}."
        if _differ(here.cpu.ram_total_bytes, there.ram_total_bytes):
            yield f"{here.name}: RAM was {amount(there.ram_total_bytes)}, here it is {amount(here.cpu.ram_total_bytes)}."
        if here.os_name != there.os_name:
            yield f"{here.name}: the system was {there.os_name}, here it is {here.os_name}."


def _of_worker(there: RecordedWorker, here: WorkerOffer) -> Iterator[str]:
    name = f"{here.machine_name}, {here.device_name}"
    if here.kind.value != "cpu" and here.description != there.description:
        yield f"{name}: the device was {there.description}, here it is {here.description}."
    if here.threads != there.threads:
        yield f"{name}: threads were {there.threads}, here they are {here.threads}."
    if here.kind.value != "cpu" and _differ(here.total_bytes, there.total_bytes):
        yield f"{name}: memory was {amount(there.total_bytes)}, here it is {amount(here.total_bytes)}."
    if not was_native(there) and here.exposure.value != there.exposure:  # the coordinator's own can always be used so again
        yield f"{name}: it was reached by {there.exposure}, here by {here.exposure.value}."


def _differ(here: int, there: int) -> bool:
    return abs(here - there) > MEMORY_TOLERANCE * max(here, there)
