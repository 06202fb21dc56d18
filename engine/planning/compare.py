"""The same model under other policies and layouts, side by side.

Layouts change the offers (ports, and which devices there are), so a variant brings its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.planning.split_layers import split_layers
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest, Policy
from engine.vocabulary.worker import Layout, WorkerOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One column: a policy, a layout, and the workers that the layout gives."""

    policy: Policy
    layout: Layout
    offers: tuple[WorkerOffer, ...]


def compare(request: PlanRequest, variants: Iterable[Variant]) -> tuple[tuple[Policy, Layout, Plan | PlanRefused], ...]:
    """Plan each variant of ``request``, in the given order."""
    return tuple(
        (
            variant.policy,
            variant.layout,
            split_layers(replace(request, policy=variant.policy, layout=variant.layout, offers=variant.offers)),
        )
        for variant in variants
    )
