"""Refine the calibration from what real runs measured. Pure.

A calibration measures each worker alone; a run measures all of them together, caches, neighbours and links included. For every
worker the log of (measured / predicted) of its latest runs, each weighed by the part of a token's time that this worker was
predicted to take, gives by weighted median one factor on its speed. The factor that a prediction was already refined by is
part of the sum, so that refining a refined prediction goes on where it stood instead of starting anew.

Rejected: least squares over all workers of all runs (with few runs it gives a slow worker's error to a fast one and back) and
the mean (one run beside somebody's compilation would count).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log

from engine.vocabulary.running.run_record import RecordedWorker, RunRecord
from engine.vocabulary.worker import Exposure, Speed, WorkerId, WorkerOffer

FEWEST_RUNS = 3
LATEST_RUNS = 8
LEAST_FACTOR, MOST_FACTOR = 0.5, 2.0
LEAST_SHARE = 0.1
"""A worker that was predicted to take less of a token's time than this explains nothing of the difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """By what the speed of a worker is multiplied, and from how many runs that is known."""

    decode: float
    """On what it reads per second, 0.5..2."""
    prefill: float
    """On what it computes per second, 0.5..2."""
    n_runs: int


def refinements(
    records: Sequence[RunRecord], offers: Iterable[WorkerOffer], commit: str | None
) -> tuple[tuple[WorkerId, Refinement], ...]:
    """For every offer that took part in at least 3 runs with this build. ``records`` newest first."""
    found = ((offer.speed_id, _of_worker(records, offer, commit)) for offer in offers)
    return tuple((id_, refinement) for id_, refinement in found if refinement is not None)


def _of_worker(records: Sequence[RunRecord], offer: WorkerOffer, commit: str | None) -> Refinement | None:
    seen = [(record, worker) for record in records if (worker := _part_of(record, offer, commit)) is not None]
    seen = seen[:LATEST_RUNS]
    if len(seen) < FEWEST_RUNS:
        return None
    decode = [(_log_ratio(r.decode_measured, r.decode_predicted, w.refined_decode), w.decode_share or 0.0) for r, w in seen]
    prefill = [
        (_log_ratio(r.prefill_measured, r.prefill_predicted, w.refined_prefill), w.decode_share or 0.0) for r, w in seen
    ]
    return Refinement(decode=_factor(decode), prefill=_factor(prefill), n_runs=len(seen))


def _part_of(record: RunRecord, offer: WorkerOffer, commit: str | None) -> RecordedWorker | None:
    """The worker in a run that says something about it: same device, threads and build, both over RPC or both used by
    llama-server itself, and a share that counts."""
    if record.build.commit != commit or not record.decode_predicted or not record.decode_measured:
        return None
    for worker in record.workers:
        same = (worker.id, worker.description, worker.threads) == (offer.id, offer.description, offer.threads)
        same = same and (worker.exposure == Exposure.NATIVE) is offer.is_native
        if same and (worker.decode_share or 0.0) >= LEAST_SHARE:
            return worker
    return None


def _log_ratio(measured: float | None, predicted: float | None, refined_by: float) -> float | None:
    if not measured or not predicted or measured <= 0 or predicted <= 0 or refined_by <= 0:
        return None
    return log(measured / predicted) + log(refined_by)


def _factor(weighed: Sequence[tuple[float | None, float]]) -> float:
    """The weighted median, within bounds; 1 when nothing is known."""
    known = sorted((value, weight) for value, weight in weighed if value is not None)
    if len(known) < FEWEST_RUNS:
        return 1.0
    half, total = sum(weight for _, weight in known) / 2, 0.0
    for value, weight in known:
        total += weight
        if total >= half:
            return min(MOST_FACTOR, max(LEAST_FACTOR, exp(value)))
    return 1.0


def refined_speed(speed: Speed, refinement: Refinement) -> Speed:
    """The speed as the runs found it."""
    compute = speed.compute_flops_per_second
    by_type = speed.read_bytes_per_second_by_type
    return replace(
        speed,
        read_bytes_per_second=speed.read_bytes_per_second * refinement.decode,
        read_bytes_per_second_by_type=tuple((name, rate * refinement.decode) for name, rate in by_type),
        kv_bytes_per_second=None if speed.kv_bytes_per_second is None else speed.kv_bytes_per_second * refinement.decode,
        compute_flops_per_second=None if compute is None else compute * refinement.prefill,
        compute_by_ubatch=tuple((tokens, rate * refinement.prefill) for tokens, rate in speed.compute_by_ubatch),
    )


def refined_speeds(speeds: Mapping[WorkerId, Speed], found: Iterable[tuple[WorkerId, Refinement]]) -> dict[WorkerId, Speed]:
    """All speeds, those with a refinement refined."""
    refined = {id_: refined_speed(speeds[id_], refinement) for id_, refinement in found if id_ in speeds}
    return {**speeds, **refined}


def words_of(found: Sequence[Refinement]) -> str:
    """``refined from 5 runs``, for the basis of a prediction; of several workers the most runs. Empty for none."""
    return f"refined from {max(refinement.n_runs for refinement in found)} runs" if found else ""
