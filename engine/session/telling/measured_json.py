"""The comparison and measured runs as JSON with stable keys, as ``as_json`` does it for the rest. Pure."""

from __future__ import annotations

from typing import Any

from engine.vocabulary.comparison import Comparison, ComparisonRow, WorkerWorth
from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.running.run_record import RunRecord

Json = dict[str, Any]


def comparison_json(comparison: Comparison) -> Json:
    """Rows by approach, and one entry per worker."""
    return {
        "approaches": [_row(row) for row in comparison.rows],
        "workers": [_worth(worth) for worth in comparison.workers],
    }


def _row(row: ComparisonRow) -> Json:
    plan = row.result if isinstance(row.result, Plan) else None
    predicted = plan.predicted if plan else None
    return {
        "approach": row.approach.value,
        "layout": row.result.layout.value,
        "workers": [worker.id for worker in plan.used_workers] if plan else [],
        "tensor_split": list(plan.tensor_split) if plan else [],
        "usable_bytes": row.usable_bytes,
        "largest_context_tokens": row.largest_context_tokens,
        "decode_predicted": predicted.decode_tokens_per_second if predicted else None,
        "decode_measured": row.measured_decode_tokens_per_second,
        "prefill_predicted": predicted.prefill_tokens_per_second if predicted else None,
        "prefill_measured": row.measured_prefill_tokens_per_second,
        "n_runs": row.n_runs,
        "basis": predicted.basis if predicted else "",
        "refused": list(row.result.reasons) if isinstance(row.result, PlanRefused) else None,
    }


def _worth(worth: WorkerWorth) -> Json:
    return {
        "id": worth.worker_id,
        "used": worth.used,
        "adds_bytes": worth.adds_bytes,
        "gains_tokens_per_second": worth.gains_tokens_per_second,
        "needed": worth.needed,
        "sentence": worth.sentence,
    }


def run_json(record: RunRecord) -> Json:
    """One line of the history. ``crossplyctl record`` has all of it."""
    return {
        "id": record.id,
        "at": record.at,
        "model": record.model.name,
        "model_hash": record.model.hash,
        "build": record.build.commit,
        "policy": record.policy,
        "layout": record.layout,
        "workers": [worker.id for worker in record.workers],
        "tensor_split": list(record.tensor_split),
        "context_tokens": record.shape.context_tokens,
        "slots": record.shape.slots,
        "decode_predicted": record.decode_predicted,
        "decode_measured": record.decode_measured,
        "decode_samples": list(record.decode_rates),
        "prefill_predicted": record.prefill_predicted,
        "prefill_measured": record.prefill_measured,
        "prefill_samples": list(record.prefill_rates),
        "basis": record.basis,
    }
