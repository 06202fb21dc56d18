"""What every worker is worth to the fastest plan, in one sentence with numbers.

A used worker: the plan is made again without it. One that is left out: what giving it one layer would cost (``explain``);
planning without it gives the same plan, so there is nothing to plan again.
"""

from __future__ import annotations

from dataclasses import replace

from engine.planning.seats import Budgets, budgets_of
from engine.planning.split_layers import split_layers
from engine.planning.words.amounts import amount
from engine.planning.words.explain import WORTH_SAYING_FRACTION, loss_if_used
from engine.vocabulary.comparison import WorkerWorth
from engine.vocabulary.plan import Plan, PlannedWorker, PlanRefused, PlanRequest


def worths(request: PlanRequest, plan: Plan | PlanRefused) -> tuple[WorkerWorth, ...]:
    """One per offer, in the request's order. ``plan`` is what the request gives."""
    budgets = budgets_of(request)
    if isinstance(plan, PlanRefused):
        return tuple(_of_refused(budgets, offer.id) for offer in request.offers)
    by_id = {worker.id: worker for worker in plan.workers}
    return tuple(_worth(budgets, plan, by_id[offer.id]) for offer in request.offers)


def _of_refused(budgets: Budgets, worker_id: str) -> WorkerWorth:
    offer = next(offer for offer in budgets.request.offers if offer.id == worker_id)
    usable = budgets.usable_of(offer)
    sentence = f"adds {amount(usable)}, and still the model does not fit"
    return WorkerWorth(
        worker_id=offer.id, used=False, adds_bytes=usable, gains_tokens_per_second=None, needed=False, sentence=sentence
    )


def _worth(budgets: Budgets, plan: Plan, worker: PlannedWorker) -> WorkerWorth:
    usable = budgets.usable_of(worker.offer)
    gains, needed = _gain(budgets.request, plan, worker)
    words = _used_words(gains, plan, needed=needed) if worker.used else _unused_words(gains, plan)
    return WorkerWorth(
        worker_id=worker.id,
        used=worker.used,
        adds_bytes=usable,
        gains_tokens_per_second=gains,
        needed=needed,
        sentence=f"adds {amount(usable)}{words}",
    )


def _gain(request: PlanRequest, plan: Plan, worker: PlannedWorker) -> tuple[float | None, bool]:
    """Tokens per second that it brings, and whether the model does not fit without it."""
    if not worker.used:
        loss = loss_if_used(worker, plan)
        return (None if loss is None else -loss), False
    rest = tuple(offer for offer in request.offers if offer.id != worker.id)
    without = split_layers(replace(request, offers=rest, given=None))
    if isinstance(without, PlanRefused):
        return None, True
    here, there = plan.predicted.decode_tokens_per_second, without.predicted.decode_tokens_per_second
    return (None if here is None or there is None else here - there), False


def _used_words(gains: float | None, plan: Plan, *, needed: bool) -> str:
    if needed:
        return "; without it the model does not fit"
    if gains is None:
        return "; whether it makes decode faster is not known: measure the speeds"
    if abs(gains) < WORTH_SAYING_FRACTION * (plan.predicted.decode_tokens_per_second or 0.0):
        return " and costs no speed"
    return f" and makes decode {_rate(gains)} faster" if gains > 0 else f", costs {_rate(-gains)}"


def _unused_words(gains: float | None, plan: Plan) -> str:
    if gains is None:
        return ", not needed: left out"
    if -gains < WORTH_SAYING_FRACTION * (plan.predicted.decode_tokens_per_second or 0.0):
        return " and no speed: left out"
    return f", costs {_rate(-gains)}: left out"


def _rate(tokens_per_second: float) -> str:
    return f"{tokens_per_second:.1f} tokens/s" if tokens_per_second >= 0.1 else f"{tokens_per_second:.2g} tokens/s"
