"""From what is known to offers, a plan, the comparison and the command lines. Pure; called after every change of an input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine.errors import BadInput
from engine.llama_cpp.output_rows import keeps_outputs_per_slot
from engine.measuring.refine import Refinement, refined_speeds, refinements, words_of
from engine.planning.comparing.compare import hybrid_split, llama_cpp_split
from engine.planning.comparing.largest_context import largest_context
from engine.planning.offers import Reach, offers_of_machine
from engine.planning.split_layers import split_layers
from engine.session.recovering.cures import cured_shape, with_margins
from engine.session.reducing.planned.commands import commands_of
from engine.session.reducing.planned.measured_before import plan_key, runs_of, timings_of
from engine.session.state import ClusterState, PlanVariant
from engine.vocabulary.comparison import Approach
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import THIS_MACHINE, Machine
from engine.vocabulary.plan import MAX_DEVICES, GivenSplit, Plan, PlanRefused, PlanRequest, Policy
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.worker import Exposure, Layout, Link, WorkerId, WorkerOffer, native

FIRST_TUNNEL_PORT = 51052
PORTS_PER_MACHINE = 20
"""At least: two workers of one planned port would be taken for one rpc-server."""

VARIANTS = (
    (Policy.FASTEST, Layout.PER_DEVICE),
    (Policy.FASTEST, Layout.TRADITIONAL),
    (Policy.FASTEST, Layout.PER_MACHINE),
)
"""Columns of the comparison, beside the two that are no policy: all workers, and llama.cpp's own split. What is chosen is
added when it is none of them."""

_APPROACHES = {VARIANTS[0]: Approach.FASTEST, VARIANTS[1]: Approach.TRADITIONAL}
_GIVEN = ((Approach.HYBRID, hybrid_split), (Approach.LLAMA_CPP, llama_cpp_split))


def replanned(state: ClusterState) -> ClusterState:
    """The state with offers, plan, variants and commands worked out anew."""
    state = replace(state, refinements=_refinements(state))
    state = replace(state, offers=_offers(state, state.choices.layout))
    if state.model is None or not state.offers or state.runtime is None:
        return replace(state, plan=None, variants=(), comparison=None, commands=())
    return _with_variants(state, _variants(state))


def _refinements(state: ClusterState) -> tuple[tuple[WorkerId, Refinement], ...]:
    """From runs of the chosen model with the build in use."""
    if state.runtime is None or not state.model_hash:
        return ()
    records = [record for record in state.history if record.model.hash == state.model_hash]
    offers = (*_offers(state, Layout.PER_DEVICE), *native_offers_of(state))
    return refinements(records, offers, state.runtime.commit) if records else ()


def _offers(state: ClusterState, layout: Layout) -> tuple[WorkerOffer, ...]:
    choices = state.choices
    speeds = refined_speeds(dict(state.speeds), state.refinements)
    return tuple(
        offer
        for index, machine in enumerate(state.machines)
        for offer in offers_of_machine(
            machine,
            layout,
            choices.reserve_fraction,
            cpu_workers=choices.cpu_workers,
            reach=_reach_of(state, machine, index),
            speeds=speeds,
        )
    )


def native_offers_of(state: ClusterState) -> tuple[WorkerOffer, ...]:
    """This machine's devices as llama-server would use them itself; none where that is not wanted. Its CPU only as a whole:
    several CPU workers are there to try a split."""
    choices = state.choices
    if not choices.native:
        return ()
    speeds = refined_speeds(dict(state.speeds), state.refinements)
    own = [offer for offer in _offers(state, Layout.PER_DEVICE) if offer.machine_id == THIS_MACHINE]
    natives = [native(offer, None) for offer in own if offer.kind is DeviceKind.GPU or choices.cpu_workers == 1]
    return tuple(replace(offer, speed=speeds.get(offer.speed_id)) for offer in natives)


def _reach_of(state: ClusterState, machine: Machine, index: int) -> Reach:
    """Behind a tunnel unless the person opened it; each machine has its own stretch of the coordinator's ports."""
    if machine.id == THIS_MACHINE:
        return Reach()
    link = next((remote.link for remote in state.remotes if remote.id == machine.id), None) or Link()
    lan_address = dict(state.choices.lan_addresses).get(machine.id)
    if lan_address is not None:
        return Reach(exposure=Exposure.LAN, address=lan_address, link=link)
    stretch = max(PORTS_PER_MACHINE, *(state.choices.cpu_workers + len(other.gpus) for other in state.machines))
    return Reach(exposure=Exposure.TUNNEL, first_port=FIRST_TUNNEL_PORT + stretch * index, link=link)


def request_of(
    state: ClusterState, policy: Policy, layout: Layout, given: GivenSplit | None = None
) -> PlanRequest | PlanRefused:
    """What the planner is asked for one policy and layout under everything that is chosen; refused when nobody is left."""
    if state.model is None:  # held by the caller; said again for the type checker
        return PlanRefused(policy=policy, layout=layout, reasons=("No model is chosen.",))
    recovery = state.recovery
    left_out = state.choices.left_out | frozenset(recovery.left_out)
    offers = tuple(offer for offer in _offers(state, layout) if offer.id not in left_out)
    if not offers:
        reason = "Every worker is switched off, or no device has memory that is known: switch one on."
        return PlanRefused(policy=policy, layout=layout, reasons=(reason,))
    return PlanRequest(
        model=state.model,
        offers=with_margins(offers, recovery.kept_free),
        native_offers=with_margins(native_offers_of(state), recovery.kept_free),
        policy=policy,
        layout=layout,
        shape=cured_shape(state.choices.shape, recovery.cures),
        prompt_share=state.choices.prompt_share,
        outputs_per_slot=state.runtime is not None and keeps_outputs_per_slot(state.runtime),
        max_devices=MAX_DEVICES - (state.runtime is not None and "BLAS" in state.runtime.backends),
        coordinator_machine=THIS_MACHINE,
        given=given,
    )


def _plan(state: ClusterState, policy: Policy, layout: Layout, given: GivenSplit | None = None) -> Plan | PlanRefused:
    request = request_of(state, policy, layout, given)
    if isinstance(request, PlanRefused):
        return request
    try:
        return _told(state, split_layers(request))
    except BadInput as error:
        return PlanRefused(policy=policy, layout=layout, reasons=(str(error),))


def _told(state: ClusterState, result: Plan | PlanRefused) -> Plan | PlanRefused:
    """A prediction from refined speeds says so."""
    if isinstance(result, PlanRefused) or result.predicted.decode_tokens_per_second is None:
        return result
    known = dict(state.refinements)
    words = words_of([known[id_] for worker in result.used_workers if (id_ := worker.offer.speed_id) in known])
    if not words:
        return result
    return replace(result, predicted=replace(result.predicted, basis=f"{result.predicted.basis}; {words}"))


def replanned_column(state: ClusterState, *, other_layout: bool = False) -> ClusterState:
    """The state after nothing was chosen but another column: policy, layout, given split. The standing columns do not depend
    on it and stay the very same objects: searching them again would take longer than a boundary under the mouse may wait."""
    standing = standing_variants(state.variants)
    if not standing:
        return replanned(state)
    if other_layout:
        state = replace(state, offers=_offers(state, state.choices.layout))
    return _with_variants(state, _with_chosen(state, standing, _measured(state)))


def standing_variants(variants: tuple[PlanVariant, ...]) -> tuple[PlanVariant, ...]:
    """The columns that are there whatever is chosen."""
    return tuple(v for v in variants if v.approach is not None or (v.given is None and (v.policy, v.layout) in VARIANTS))


def _with_variants(state: ClusterState, variants: tuple[PlanVariant, ...]) -> ClusterState:
    """The chosen column is the plan: it is not searched for twice."""
    plan = next(variant.result for variant in variants if _is_chosen(state, variant))
    return replace(state, plan=plan, variants=variants, commands=commands_of(state, plan))


def is_same_comparison(some: tuple[PlanVariant, ...], others: tuple[PlanVariant, ...]) -> bool:
    """Whether these are columns of one and the same planning: then what compares them holds for both."""
    return [id(variant) for variant in standing_variants(some)] == [id(variant) for variant in standing_variants(others)]


def _variants(state: ClusterState) -> tuple[PlanVariant, ...]:
    measured = _measured(state)
    fastest, traditional, *others = (_variant(state, policy, layout, measured) for policy, layout in VARIANTS)
    return _with_chosen(state, (fastest, traditional, *_given_variants(state, measured), *others), measured)


def _with_chosen(
    state: ClusterState, found: tuple[PlanVariant, ...], measured: Mapping[object, RequestTimings]
) -> tuple[PlanVariant, ...]:
    if any(_is_chosen(state, variant) for variant in found):
        return found
    choices = state.choices
    return (*found, _variant(state, choices.policy, choices.layout, measured, given=choices.given))


def _is_chosen(state: ClusterState, variant: PlanVariant) -> bool:
    choices = state.choices
    return (variant.policy, variant.layout, variant.given) == (choices.policy, choices.layout, choices.given)


def _measured(state: ClusterState) -> Mapping[object, RequestTimings]:
    if not _same_model(state):
        return {}
    return {plan_key(variant.result): variant.measured for variant in state.variants if variant.measured is not None}


def _same_model(state: ClusterState) -> bool:
    """Whether the variants so far are of the model that is planned now."""
    plans = [variant.result for variant in state.variants if isinstance(variant.result, Plan)]
    return bool(plans) and state.model is not None and plans[0].model.path == state.model.path


def _given_variants(state: ClusterState, measured: Mapping[object, RequestTimings]) -> Iterator[PlanVariant]:
    request = request_of(state, Policy.FASTEST, Layout.PER_DEVICE)
    if isinstance(request, PlanRefused):
        return
    for approach, split_of in _GIVEN:
        try:
            split = split_of(request)
        except BadInput:
            return  # of the run shape: every other column says so
        if isinstance(split, PlanRefused):
            yield PlanVariant(policy=request.policy, layout=request.layout, result=split, approach=approach)
        else:
            yield _variant(state, request.policy, request.layout, measured, given=split, approach=approach)


def _variant(
    state: ClusterState,
    policy: Policy,
    layout: Layout,
    measured: Mapping[object, RequestTimings],
    *,
    given: GivenSplit | None = None,
    approach: Approach | None = None,
) -> PlanVariant:
    result = _plan(state, policy, layout, given)
    runs = runs_of(state.history, result, state.model_hash, state.runtime)
    return PlanVariant(
        policy=policy,
        layout=layout,
        result=result,
        measured=measured.get(plan_key(result)) or timings_of(runs),
        approach=approach or (_APPROACHES.get((policy, layout)) if given is None else None),
        given=given,
        largest_context_tokens=None if given is None or approach else _largest_context(state, policy, layout, given),
    )


def _largest_context(state: ClusterState, policy: Policy, layout: Layout, given: GivenSplit) -> int | None:
    request = request_of(state, policy, layout, given)
    try:
        return None if isinstance(request, PlanRefused) else largest_context(request)
    except BadInput:
        return None  # of the run shape: the plan says so
