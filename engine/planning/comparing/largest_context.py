"""The largest context for which there is a plan: by halving intervals, since memory grows with the context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.planning.policies.given import given_placement
from engine.planning.seats import Budgets, budgets_of
from engine.planning.words.refusal import fits
from engine.vocabulary.plan import GivenSplit, PlanRefused, PlanRequest

STEP_TOKENS = 256
"""llama.cpp pads the KV cache to this."""
UNKNOWN_TRAINING_TOKENS = 1 << 17
"""Where a header does not say for how long a context the model was trained."""


def largest_context(request: PlanRequest) -> int | None:
    """Tokens over all slots, in steps of 256, under the request's other sizes; ``None`` = not even 256.

    Bounded by what the model was trained for, per slot. With ``request.given`` for exactly that split.
    """
    given = request.given
    test = fits if given is None else (lambda budgets: _given_fits(budgets, given))
    most = (request.model.training_context_tokens or UNKNOWN_TRAINING_TOKENS) * request.shape.slots
    steps = _most_steps(lambda steps: test(_budgets(request, steps)), max(1, most // STEP_TOKENS))
    return steps * STEP_TOKENS if steps else None


def _most_steps(test: Callable[[int], bool], most: int) -> int:
    """The largest number up to ``most`` that passes; 0 = none. What passes for more passes for less."""
    if test(most):
        return most
    passes, fails = 0, most
    while fails - passes > 1:
        middle = (passes + fails) // 2
        if test(middle):
            passes = middle
        else:
            fails = middle
    return passes


def _budgets(request: PlanRequest, steps: int) -> Budgets:
    return budgets_of(replace(request, shape=replace(request.shape, context_tokens=steps * STEP_TOKENS)))


def _given_fits(budgets: Budgets, given: GivenSplit) -> bool:
    return not isinstance(given_placement(budgets, given), PlanRefused)
