"""Readings of a run over time: how busy each worker's device is and what goes over the network, once a second. Pure.

Everything is read at this machine's own sample, so that all curves have the same times. What a machine said more than
``STALE_SECONDS`` ago is a gap: it may have gone.
"""

from __future__ import annotations

from dataclasses import replace

from engine.session.state import ClusterState, RunPhase, RunSeen
from engine.session.watched import Column, Reading, Series, Watched
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import THIS_MACHINE, Machine, MachineId, MachineLoad
from engine.vocabulary.running.throughput import ThroughputSample
from engine.vocabulary.worker import WorkerId, WorkerOffer

STALE_SECONDS = 6.0
"""Remote machines send a sample every 2 s."""

BUSY, SENT, TAKEN_IN = "busy", "sent", "taken in"


def with_readings(state: ClusterState) -> ClusterState:
    """One more reading of everything that belongs to the run, at ``now_seconds``."""
    run = state.run
    if run is None or state.run_phase in (RunPhase.STOPPED, RunPhase.FAILED):
        return state
    watched = state.watched
    columns = _columns_of(run)  # of a run that broke and came back on other workers: others
    series = watched.loads if set(columns) <= set(watched.loads.columns) else Series(columns=columns)
    rates = _tunnel_rates(watched, run, state.now_seconds)
    values = tuple(_value_of(state, run, column, rates) for column in series.columns)
    taken = series.taking(Reading(at_seconds=state.now_seconds, values=values))
    return replace(state, watched=replace(watched, loads=taken, sent_at=(state.now_seconds, run.sent)))


def without_readings(watched: Watched) -> Watched:
    """For a new launch: only the moments stay."""
    return Watched(moments=watched.moments)


def with_older(watched: Watched, left: tuple[ThroughputSample, ...]) -> Watched:
    """Samples that are no longer kept as they were read."""
    older = watched.throughput_before
    for sample in left:
        values = (sample.decode_tokens_per_second, sample.prefill_tokens_per_second)
        older = older.taking(Reading(at_seconds=sample.at_seconds, values=values))
    return replace(watched, throughput_before=older) if left else watched


def busy_fraction(machine: Machine, load: MachineLoad, offer: WorkerOffer) -> float | None:
    """How busy a worker's device is, 0..1: a CPU worker's is the whole processor, other programs included."""
    if offer.kind is DeviceKind.CPU:
        return load.cpu_busy_fraction
    for place, gpu in enumerate(machine.gpus[: len(load.gpu_busy_fractions)]):
        if gpu.friendly_name == offer.device_name:
            return load.gpu_busy_fractions[place]
    return None


def _columns_of(run: RunSeen) -> tuple[Column, ...]:
    busy = [Column(kind=BUSY, id=worker.id) for worker in run.plan.used_workers]
    tunnels = [tunnel.machine_id for tunnel in run.tunnels]
    machines = dict.fromkeys(worker.offer.machine_id for worker in run.plan.used_workers)
    sent = [Column(kind=SENT, id=machine_id) for machine_id in tunnels]
    open_ones = [machine_id for machine_id in machines if machine_id not in tunnels and machine_id != THIS_MACHINE]
    taken_in = [Column(kind=TAKEN_IN, id=machine_id) for machine_id in open_ones]
    return (*busy, *sent, *taken_in)


def _value_of(state: ClusterState, run: RunSeen, column: Column, rates: dict[str, float]) -> float | None:
    if column.kind == SENT:
        return rates.get(column.id)
    if column.kind == TAKEN_IN:
        load = _fresh_load(state, MachineId(column.id))
        return None if load is None else load.network_received_bytes_per_second
    return _busy_of(state, run, WorkerId(column.id))


def _busy_of(state: ClusterState, run: RunSeen, worker_id: WorkerId) -> float | None:
    offer = next((worker.offer for worker in run.plan.workers if worker.id == worker_id), None)
    if offer is None:
        return None  # it is not there any more
    load = _fresh_load(state, offer.machine_id)
    machine = next((known for known in state.machines if known.id == offer.machine_id), None)
    return None if load is None or machine is None else busy_fraction(machine, load, offer)


def _fresh_load(state: ClusterState, machine_id: MachineId) -> MachineLoad | None:
    load = dict(state.loads).get(machine_id)
    return load if load is not None and state.now_seconds - load.taken_at_seconds <= STALE_SECONDS else None


def _tunnel_rates(watched: Watched, run: RunSeen, now_seconds: float) -> dict[str, float]:
    """Bytes per second since the last reading. A tunnel that carried nothing yet, or was opened anew, has none."""
    before_seconds, before = watched.sent_at
    seconds = now_seconds - before_seconds
    known = dict(before)
    if seconds <= 0:
        return {}
    return {
        machine_id: (total - known[machine_id]) / seconds
        for machine_id, total in run.sent
        if machine_id in known and total >= known[machine_id]
    }
