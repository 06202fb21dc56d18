"""From what is known to offers, a plan, the comparison and the command lines. Pure; called after every change of an input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.errors import BadInput
from engine.llama_cpp.output_rows import keeps_outputs_per_slot
from engine.planning.offers import Reach, offers_of_machine
from engine.planning.split_layers import split_layers
from engine.session.reducing.commands import commands_of
from engine.session.state import ClusterState, PlanVariant
from engine.vocabulary.machine import THIS_MACHINE, Machine
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest, Policy
from engine.vocabulary.throughput import RequestTimings
from engine.vocabulary.worker import Exposure, Layout, Link, WorkerOffer

FIRST_TUNNEL_PORT = 51052
PORTS_PER_MACHINE = 20
"""At least: two workers of one planned port would be taken for one rpc-server."""

VARIANTS = (
    (Policy.FASTEST, Layout.PER_DEVICE),
    (Policy.EVEN, Layout.PER_DEVICE),
    (Policy.MEMORY, Layout.PER_DEVICE),
    (Policy.FASTEST, Layout.PER_MACHINE),
    (Policy.FASTEST, Layout.TRADITIONAL),
)
"""Columns of the comparison; the chosen pair is added when it is none of them."""


def replanned(state: ClusterState) -> ClusterState:
    """The state with offers, plan, comparison and commands worked out anew."""
    state = replace(state, offers=_offers(state, state.choices.layout))
    if state.model is None or not state.offers or state.runtime is None:
        return replace(state, plan=None, variants=(), commands=())
    plan = _plan(state, state.choices.policy, state.choices.layout)
    return replace(state, plan=plan, variants=_variants(state), commands=commands_of(state, plan))


def _offers(state: ClusterState, layout: Layout) -> tuple[WorkerOffer, ...]:
    choices = state.choices
    return tuple(
        offer
        for index, machine in enumerate(state.machines)
        for offer in offers_of_machine(
            machine,
            layout,
            choices.reserve_fraction,
            cpu_workers=choices.cpu_workers,
            reach=_reach_of(state, machine, index),
            speeds=dict(state.speeds),
        )
    )


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


def _plan(state: ClusterState, policy: Policy, layout: Layout) -> Plan | PlanRefused:
    if state.model is None:  # held by the caller; said again for the type checker
        return PlanRefused(policy=policy, layout=layout, reasons=("No model is chosen.",))
    offers = tuple(offer for offer in _offers(state, layout) if offer.id not in state.choices.left_out)
    if not offers:
        reason = "Every worker is switched off, or no device has memory that is known: switch one on."
        return PlanRefused(policy=policy, layout=layout, reasons=(reason,))
    request = PlanRequest(
        model=state.model,
        offers=offers,
        policy=policy,
        layout=layout,
        shape=state.choices.shape,
        outputs_per_slot=state.runtime is not None and keeps_outputs_per_slot(state.runtime),
        coordinator_machine=THIS_MACHINE,
    )
    try:
        return split_layers(request)
    except BadInput as error:
        return PlanRefused(policy=policy, layout=layout, reasons=(str(error),))


def _variants(state: ClusterState) -> tuple[PlanVariant, ...]:
    chosen = (state.choices.policy, state.choices.layout)
    pairs = VARIANTS if chosen in VARIANTS else (*VARIANTS, chosen)
    measured = {_key(variant.result): variant.measured for variant in state.variants if variant.measured is not None}
    return tuple(_variant(state, policy, layout, measured) for policy, layout in pairs)


def _variant(state: ClusterState, policy: Policy, layout: Layout, measured: Mapping[object, RequestTimings]) -> PlanVariant:
    result = _plan(state, policy, layout)
    return PlanVariant(policy=policy, layout=layout, result=result, measured=measured.get(_key(result)))


def _key(result: Plan | PlanRefused) -> object:
    """What makes two plans the same run: a measurement is kept only for exactly the same placement and shape."""
    if isinstance(result, PlanRefused):
        return None
    placed = tuple((worker.id, worker.n_layers, worker.holds_output) for worker in result.used_workers)
    return (result.model.path, result.layout, result.shape, placed)
