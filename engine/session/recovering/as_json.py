"""A recovery as JSON with stable keys: the part ``recovery`` of ``crossplyctl status --json``. Pure."""

from __future__ import annotations

from typing import Any

from engine.session.recovering.go_back import better_plan, there_again
from engine.session.recovering.told import absent_machines, what_goes_on, what_it_cost
from engine.session.state import ClusterState
from engine.vocabulary.running.recovery import Recovered


def recovery_json(state: ClusterState) -> dict[str, Any]:
    """``step`` is ``none`` while nothing is broken."""
    recovery = state.recovery
    fault = recovery.fault if recovery.goes_on else None
    next_try = recovery.next_try_at_seconds
    return {
        "mode": state.choices.recovery.value,
        "step": recovery.step.value,
        "cause": fault.cause.value if fault else None,
        "machine": fault.machine_id if fault else None,
        "workers": list(fault.worker_ids) if fault else [],
        "happened": recovery.happened if recovery.goes_on else None,
        "told": what_goes_on(state) or None,
        "attempt": recovery.attempt,
        "next_try_in_seconds": None if next_try is None else max(0.0, next_try - state.now_seconds),
        "missing": recovery.missing or None,
        "machines_away": list(absent_machines(state).values()),
        "machines_there_again": list(there_again(state)) if better_plan(state) else [],
        "workers_left_out": list(recovery.left_out),
        "cures": [cure.value for cure in recovery.cures],
        "history": [_recovered(recovered) for recovered in recovery.history],
    }


def _recovered(recovered: Recovered) -> dict[str, Any]:
    return {
        "told": what_it_cost(recovered),
        "happened": recovered.happened,
        "seconds": recovered.seconds,
        "workers": recovered.n_workers,
        "workers_before": recovered.n_workers_before,
        "decode_tokens_per_second": recovered.decode_after,
        "decode_is_measured": recovered.after_is_measured,
        "decode_tokens_per_second_before": recovered.decode_before,
        "decode_before_is_measured": recovered.before_is_measured,
        "left_out": list(recovered.left_out),
        "cures": [cure.value for cure in recovered.cures],
    }
