"""``split_layers``: a request in, a plan out, or a refusal that says what is missing.

No clock, no randomness: the same request gives the same answer. A plan never exceeds any worker's safe memory, uses at most 15
devices, and its tensor split gives in llama.cpp's float32 rule exactly the layers that it names (checked here, every time).
"""

from __future__ import annotations

from dataclasses import replace

from engine.llama_cpp.layer_assignment import assign_layers
from engine.planning.abstract_model import has_sizes
from engine.planning.costs.cost_model import predict
from engine.planning.costs.layer_costs import compute_at
from engine.planning.device_order import device_order, possible_orders
from engine.planning.fastest.fastest_placement import fastest_placement
from engine.planning.fastest.native_or_rpc import fastest_way, not_measured_natively, with_natives
from engine.planning.memory.memory_needs import coordinator_bytes, unused
from engine.planning.policies.even import even_counts
from engine.planning.policies.given import given_placement
from engine.planning.policies.memory_share import proportional_counts
from engine.planning.policies.nearest_counts import nearest_counts
from engine.planning.seats import Budgets, Placement, budgets_of, most_usable, placement_of, shares_of
from engine.planning.words.amounts import amount, layers_in_words, listed
from engine.planning.words.explain import gifts_of, how_sure, why_left_out
from engine.planning.words.refusal import refuse, refuse_without_workers
from engine.vocabulary.plan import Optimality, Plan, PlannedWorker, PlanRefused, PlanRequest, Policy
from engine.vocabulary.worker import Layout, WorkerOffer


def split_layers(request: PlanRequest) -> Plan | PlanRefused:
    """Share the layers out under the policy. Raises ``BadInput`` for a run shape that llama.cpp has not."""
    if not request.offers:
        return refuse_without_workers(request)
    if request.given is not None:
        budgets = budgets_of(with_natives(request, request.given.native))
        given = given_placement(budgets, request.given)
        return given if isinstance(given, PlanRefused) else _plan_of(budgets, given, ())
    budgets = budgets_of(request)
    order = device_order(request)
    notes: list[str] = []
    if request.policy is Policy.FASTEST:
        why_not = _why_not_by_speed(request, order)
        if why_not is None:
            return _by_speed(budgets, order)
        notes.append(why_not)
    placement = _by_policy(budgets, order, notes) or _alone(budgets, order, notes)
    return refuse(budgets) if placement is None else _plan_of(budgets, placement, tuple(notes))


def _by_speed(budgets: Budgets, order: tuple[WorkerOffer, ...]) -> Plan | PlanRefused:
    notes = tuple(_why_not_by_prompts(budgets.request, order))
    if budgets.request.layout is Layout.PER_DEVICE and budgets.request.native_offers:
        notes = (*notes, *_why_not_natively(budgets.request))
        way = fastest_way(budgets, order)
        return refuse(budgets) if way is None else _plan_of(way.budgets, way.fastest.placement, notes, way.fastest.optimality)
    fastest = fastest_placement(budgets, order)
    return refuse(budgets) if fastest is None else _plan_of(budgets, fastest.placement, notes, fastest.optimality)


def _by_policy(budgets: Budgets, order: tuple[WorkerOffer, ...], notes: list[str]) -> Placement | None:
    request = budgets.request
    order = _at_most_fifteen(budgets, order, notes)
    wanted = _even if request.policy is Policy.EVEN else _by_memory
    for candidate in possible_orders(order):
        counts = wanted(budgets, candidate)
        placement = nearest_counts(budgets, candidate, counts)
        if placement is not None:
            notes.extend(_departures(candidate, order, counts, placement))
            return placement
    return None


def _why_not_by_speed(request: PlanRequest, order: tuple[WorkerOffer, ...]) -> str | None:
    silent = [offer.id for offer in order if offer.speed is None]
    if silent:
        return f"The speed of {listed(silent)} is not known: layers are shared by memory. A calibration measures it."
    if not has_sizes(request.model):
        return "These layers have no size, so speeds cannot be applied: layers are shared by memory."
    return None


def _why_not_by_prompts(request: PlanRequest, order: tuple[WorkerOffer, ...]) -> list[str]:
    silent = [o.id for o in order if o.speed is None or compute_at(o.speed, request.shape.ubatch_tokens) is None]
    if not request.prompt_share or not silent:
        return []
    return [f"How fast {listed(silent)} processes prompts is not known: planned for generated tokens alone."]


def _why_not_natively(request: PlanRequest) -> list[str]:
    ids = not_measured_natively(request)
    if not ids:
        return []
    return [f"Whether llama-server is faster when it uses {listed(ids)} itself is not known: a calibration measures it."]


def _at_most_fifteen(budgets: Budgets, order: tuple[WorkerOffer, ...], notes: list[str]) -> tuple[WorkerOffer, ...]:
    kept = most_usable(budgets, order)
    left = [offer.id for offer in order if offer not in kept]
    if left:
        notes.append(
            f"llama.cpp takes {budgets.request.max_devices} devices at most: {listed(left)} "
            f"{'is' if len(left) == 1 else 'are'} left out, having the least safe memory."
        )
    return kept


def _even(budgets: Budgets, order: tuple[WorkerOffer, ...]) -> tuple[int, ...]:
    return even_counts(budgets.n_layers, len(order))


def _by_memory(budgets: Budgets, order: tuple[WorkerOffer, ...]) -> tuple[int, ...]:
    capacities = [budgets.for_layers(offer) for offer in order[:-1]]
    return proportional_counts(budgets.n_layers, [*capacities, budgets.for_layers_with_output(order[-1])])


def _departures(
    candidate: tuple[WorkerOffer, ...], order: tuple[WorkerOffer, ...], counts: tuple[int, ...], placement: Placement
) -> list[str]:
    """Where memory forced the plan away from what the policy wants."""
    notes = []
    if candidate[-1].id != order[-1].id:
        notes.append(f"{candidate[-1].id} holds the output head: {order[-1].id} has no room for it.")
    got = {offer.id: n for offer, n in placement.seats}
    for offer, count in zip(candidate, counts, strict=True):
        if got.get(offer.id, 0) < count:
            notes.append(
                f"{offer.id} takes {layers_in_words(got.get(offer.id, 0))} and not {count}: more does not fit into its "
                f"{amount(offer.safe_bytes)} of safe memory."
            )
    return notes


def _alone(budgets: Budgets, order: tuple[WorkerOffer, ...], notes: list[str]) -> Placement | None:
    """One device alone needs smaller buffers: nothing is pipelined, so no input is kept four times."""
    for offer in order:
        if budgets.fits_alone(offer):
            notes.append(f"Only {offer.id} alone can hold the model: a split needs larger compute buffers.")
            return placement_of((offer,), (budgets.n_layers,))
    return None


def _plan_of(budgets: Budgets, placement: Placement, notes: tuple[str, ...], optimality: Optimality | None = None) -> Plan:
    request = budgets.request
    used = shares_of(budgets, placement)
    used_ids = {worker.id for worker in used}
    left_out = tuple(unused(offer) for offer in device_order(request) if offer.id not in used_ids)
    counts = placement.counts
    tensor_split = (*counts[:-1], counts[-1] + 1)
    _check(tensor_split, budgets, used)
    plan = Plan(
        policy=request.policy,
        layout=request.layout,
        model=request.model,
        shape=request.shape,
        workers=(*used, *left_out),
        tensor_split=tensor_split,
        coordinator_bytes=coordinator_bytes(request.model, request.shape, pipelined=len(used) > 1),
        predicted=predict(used, request.model, request.shape),
        notes=notes,
        optimality=optimality,
    )
    # Of a given split it would be no reason: whoever gave it left them out.
    return plan if request.given is not None else _with_left_out_notes(plan)


def _check(tensor_split: tuple[int, ...], budgets: Budgets, used: tuple[PlannedWorker, ...]) -> None:
    """A plan that is not what llama.cpp would do, or over budget, is a bug of ours: stop here, not in a crash later."""
    expected = [position for position, count in enumerate(tensor_split) for _ in range(count)]
    if list(assign_layers(budgets.n_layers, tensor_split)) != expected:
        raise AssertionError(f"the tensor split {tensor_split} does not give the planned layers")
    over = [worker.id for worker in used if worker.needed_bytes > budgets.usable_of(worker.offer)]
    if over:
        raise AssertionError(f"over budget: {over}")


def _with_left_out_notes(plan: Plan) -> Plan:
    unsure = how_sure(plan)
    plan = plan if unsure is None else replace(plan, notes=(*plan.notes, unsure))
    if plan.policy is not Policy.FASTEST or plan.predicted.decode_tokens_per_second is None:
        return plan
    gifts = gifts_of(plan)
    sentences = ((worker, why_left_out(worker, plan, gifts)) for worker in plan.workers)
    notes = tuple(f"{worker.id} is {sentence}" for worker, sentence in sentences if sentence is not None)
    return replace(plan, notes=(*plan.notes, *notes))
