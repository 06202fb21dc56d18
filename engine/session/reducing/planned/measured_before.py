"""Which runs of the history ran exactly a given plan, and what they measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import median

from engine.vocabulary.comparison import Comparison, ComparisonRow
from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.running.run_record import RunRecord
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Exposure

_TOKENS = 1000


def plan_key(result: Plan | PlanRefused) -> object:
    """What makes two plans of one model the same run: exactly the same placement, layout and shape. ``None`` = refused."""
    if isinstance(result, PlanRefused):
        return None
    placed = tuple((w.id, w.n_layers, w.holds_output, w.offer.is_native) for w in result.used_workers)
    return (result.layout.value, result.shape, placed)


def is_same_run(result: Plan | PlanRefused, ran: Plan) -> bool:
    """Whether a plan is the one that ran, wherever its ports were."""
    return isinstance(result, Plan) and result.model.path == ran.model.path and plan_key(result) == plan_key(ran)


def record_key(record: RunRecord) -> object:
    """The same for a run that was recorded."""
    placed = tuple((w.id, w.n_layers, w.holds_output, w.exposure == Exposure.NATIVE) for w in record.workers)
    return (record.layout, record.shape, placed)


def runs_of(
    records: Iterable[RunRecord], result: Plan | PlanRefused, model_hash: str, runtime: Runtime | None
) -> tuple[RunRecord, ...]:
    """The runs of exactly this plan of this model with this build that measured something: another build of llama.cpp is
    another speed, and its figure beside this one's prediction would be no judge of it. None for a model without a hash."""
    key = plan_key(result)
    if key is None or not model_hash or runtime is None:
        return ()
    mine = (record for record in records if record.model.hash == model_hash and _is_of_build(record, runtime))
    return tuple(record for record in mine if record.decode_rates and record_key(record) == key)


def _is_of_build(record: RunRecord, runtime: Runtime) -> bool:
    build = record.build
    return (build.runtime_id, build.build_number, build.commit) == (runtime.id, runtime.build_number, runtime.commit)


def medians(records: Iterable[RunRecord]) -> tuple[float | None, float | None]:
    """(decode, prefill) tokens per second over all counted samples of these runs."""
    records = tuple(records)
    decode = [rate for record in records for rate in record.decode_rates]
    prefill = [rate for record in records for rate in record.prefill_rates]
    return (median(decode) if decode else None, median(prefill) if prefill else None)


def timings_of(records: Iterable[RunRecord]) -> RequestTimings | None:
    """The medians in the form of one request; ``None`` when nothing was measured."""
    decode, prefill = medians(records)
    if decode is None:
        return None
    timings = RequestTimings(prompt_tokens=0, prompt_seconds=0.0, decoded_tokens=_TOKENS, decode_seconds=_TOKENS / decode)
    return timings if prefill is None else replace(timings, prompt_tokens=_TOKENS, prompt_seconds=_TOKENS / prefill)


def with_measured(
    comparison: Comparison, records: Sequence[RunRecord], model_hash: str, runtime: Runtime | None
) -> Comparison:
    """Measured medians beside the predictions."""
    rows = (_row(row, runs_of(records, row.result, model_hash, runtime)) for row in comparison.rows)
    return replace(comparison, rows=tuple(rows))


def _row(row: ComparisonRow, runs: tuple[RunRecord, ...]) -> ComparisonRow:
    decode, prefill = medians(runs)
    return replace(row, measured_decode_tokens_per_second=decode, measured_prefill_tokens_per_second=prefill, n_runs=len(runs))
