"""Why there is no plan: what is missing, on which worker, by how much, and what was tried that would help.

Advice is checked before it is given: a smaller context is named only if the model then fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.errors import BadInput
from engine.planning.device_order import device_order, possible_orders
from engine.planning.policies.even import even_counts
from engine.planning.policies.nearest_counts import filled_in_order
from engine.planning.seats import Budgets, budgets_of, most_usable
from engine.planning.words.amounts import amount, layers_in_words
from engine.vocabulary.plan import PlanRefused, PlanRequest, RunShape, Shortfall

SMALLEST_ADVISED_CONTEXT = 512


def fits(budgets: Budgets) -> bool:
    """Whether there is any plan: over all devices in an order that is considered, or the whole model on one of them."""
    order = device_order(budgets.request)
    orders = possible_orders(most_usable(budgets, order))
    return any(filled_in_order(budgets, candidate) for candidate in orders) or any(map(budgets.fits_alone, order))


def refuse_without_workers(request: PlanRequest) -> PlanRefused:
    """Nobody offers anything."""
    reason = "There is no worker to plan for: switch one on or add a machine."
    return PlanRefused(policy=request.policy, layout=request.layout, reasons=(reason,))


def refuse(budgets: Budgets) -> PlanRefused:
    """The model does not fit on these workers."""
    shortfalls = (_overall(budgets), *_per_worker(budgets))
    reasons = (*(shortfall.sentence for shortfall in shortfalls), _advice(budgets.request))
    return PlanRefused(policy=budgets.request.policy, layout=budgets.request.layout, reasons=reasons, shortfalls=shortfalls)


def _overall(budgets: Budgets) -> Shortfall:
    offers = budgets.request.offers
    needs = budgets.needs
    safe = sum(usable for _, usable in budgets.usable)
    buffers = needs.output_compute_bytes + (len(offers) - 1) * needs.layer_compute_bytes
    if len(offers) == 1:
        buffers = needs.alone_compute_bytes
    needed = needs.total_bytes + buffers
    parts = (
        f"{amount(needs.weights_before[-1] + needs.head_bytes)} of weights, {amount(needs.kv_before[-1])} of KV cache, "
        f"{amount(buffers)} of compute buffers"
    )
    if needed > safe:
        verdict = f"{amount(needed - safe)} are missing over all workers"
    else:
        verdict = "that would be enough over all, but whole layers and the output head do not fit into its pieces"
    sentence = (
        f"The model needs {amount(needed)} ({parts}) and {_workers(len(offers))} {amount(safe)} of safe memory: {verdict}."
    )
    return Shortfall(worker_id=None, needed_bytes=needed, safe_bytes=safe, sentence=sentence)


def _workers(count: int) -> str:
    return "the one worker has" if count == 1 else f"the {count} workers have"


def _per_worker(budgets: Budgets) -> Iterator[Shortfall]:
    """Every worker that cannot take its even share."""
    order = device_order(budgets.request)
    sizes = budgets.needs.bytes_before
    start = 0
    for position, (offer, count) in enumerate(zip(order, even_counts(budgets.n_layers, len(order)), strict=True)):
        is_last = position == len(order) - 1
        needed = sizes[start + count] - sizes[start]
        start += count
        if len(order) == 1:
            needed += budgets.needs.head_bytes + budgets.needs.alone_compute_bytes
        elif is_last:
            needed += budgets.needs.head_bytes + budgets.needs.output_compute_bytes
        else:
            needed += budgets.needs.layer_compute_bytes
        safe = budgets.usable_of(offer)
        if needed > safe:
            share = layers_in_words(count) + (" and the output head" if is_last else "")
            sentence = (
                f"{offer.id}: an even share of {share} needs {amount(needed)} and {amount(safe)} are safe: "
                f"{amount(needed - safe)} missing."
            )
            yield Shortfall(worker_id=offer.id, needed_bytes=needed, safe_bytes=safe, sentence=sentence)


def _advice(request: PlanRequest) -> str:
    context = _largest_context_that_fits(request)
    helpful = [] if context is None else [f"a context of {context} tokens"]
    helpful += [words for words, shape in _other_shapes(request.shape) if _fits(request, shape)]
    if helpful:
        return f"It would fit with {' or with '.join(helpful)}."
    return "A smaller KV cache does not help: switch on a worker that is off, add a machine, or choose a smaller model."


def _fits(request: PlanRequest, shape: RunShape) -> bool:
    try:
        return fits(budgets_of(replace(request, shape=shape)))
    except BadInput:  # a type of cache that this model cannot have
        return False


def _largest_context_that_fits(request: PlanRequest) -> int | None:
    """Halving until it fits; ``None`` when even ``SMALLEST_ADVISED_CONTEXT`` does not."""
    context = request.shape.context_tokens // 2
    while context >= SMALLEST_ADVISED_CONTEXT:
        if _fits(request, replace(request.shape, context_tokens=context)):
            return context
        context //= 2
    return None


def _other_shapes(shape: RunShape) -> Iterator[tuple[str, RunShape]]:
    """What else a person could change, one at a time."""
    if shape.slots > 1:
        per_slot = max(SMALLEST_ADVISED_CONTEXT, shape.context_tokens // shape.slots)
        yield "one slot and its part of the context", replace(shape, slots=1, context_tokens=per_slot)
    if shape.cache_type_k == "f16" and shape.flash_attention is not False:
        yield "a KV cache of type q8_0", replace(shape, cache_type_k="q8_0", cache_type_v="q8_0")
    if shape.ubatch_tokens > 64:
        yield "micro-batches of 64 tokens", replace(shape, ubatch_tokens=64)
