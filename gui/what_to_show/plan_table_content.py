"""The comparison of plans, and the choices that lead to them.

Rows of predicted and measured figures stand beneath each other, always both, a dash where nothing was measured.
Rejected: a chart of the variants (three numbers per column are read faster than bars).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, PlanVariant, RuntimePhase
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.plan import Plan, PlanRefused, Policy
from engine.vocabulary.worker import Layout
from gui.what_to_show.formatting import bytes_text, rate_with_unit

ROWS = (
    "Workers",
    "Memory planned",
    "Layers on GPUs",
    "Decode, predicted",
    "Decode, measured",
    "Prefill, predicted",
    "Prefill, measured",
)

_POLICIES = {
    Policy.FASTEST: ("Fastest", "The split that the cost model predicts to decode fastest"),
    Policy.EVEN: ("Even", "The same number of layers on every worker"),
    Policy.MEMORY: ("By memory", "Layers in proportion to each worker's safe memory"),
}
_LAYOUTS = {
    Layout.PER_DEVICE: ("One server per device", "Devices of a machine compute at the same time during prefill"),
    Layout.PER_MACHINE: ("One server per machine", "One connection per machine; its devices take turns"),
    Layout.TRADITIONAL: ("Traditional", "One worker per machine: its largest GPU, else its CPU"),
}
_LAYOUT_SHORT = {Layout.PER_DEVICE: "per device", Layout.PER_MACHINE: "per machine", Layout.TRADITIONAL: "traditional"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionContent:
    """One entry of a chooser."""

    key: str
    label: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantColumnContent:
    """One column: a policy under a layout."""

    policy: Policy
    layout: Layout
    title: str
    subtitle: str
    cells: tuple[str, ...]
    cell_roles: tuple[str, ...]
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTableContent:
    """The plan panel."""

    policy: str
    layout: str
    columns: tuple[VariantColumnContent, ...]
    verdict: str
    verdict_role: str
    reasons: tuple[str, ...]
    """Why there is no plan, one sentence per reason and per worker."""
    basis: str
    can_measure: bool
    measure_words: str


def policy_options() -> tuple[OptionContent, ...]:
    """What the policy chooser offers."""
    return tuple(OptionContent(key=policy.value, label=label, words=words) for policy, (label, words) in _POLICIES.items())


def layout_options() -> tuple[OptionContent, ...]:
    """What the layout chooser offers."""
    return tuple(OptionContent(key=layout.value, label=label, words=words) for layout, (label, words) in _LAYOUTS.items())


def plan_table_of(state: ClusterState) -> PlanTableContent:
    """Everything in the plan panel."""
    verdict, role = _verdict_of(state)
    ready = state.runtime_phase is RuntimePhase.READY and state.model is not None and bool(state.offers)
    stopped = state.run is None or not state.run_wanted
    return PlanTableContent(
        policy=state.choices.policy.value,
        layout=state.choices.layout.value,
        columns=tuple(_column_of(state, variant) for variant in state.variants),
        verdict=verdict,
        verdict_role=role,
        reasons=_reasons_of(state),
        basis=_basis_of(state),
        can_measure=ready and stopped,
        measure_words="Run a short benchmark on every worker, so that predictions rest on measured speeds"
        if ready and stopped
        else "Needs llama.cpp, a model, and no running cluster",
    )


def _verdict_of(state: ClusterState) -> tuple[str, str]:
    if isinstance(state.plan, PlanRefused):
        return "No plan fits", "bad"
    if isinstance(state.plan, Plan):
        reserve = round((1 - state.choices.reserve_fraction) * 100)
        return f"Memory fits: every worker stays under its {reserve}%", "good"
    if state.runtime_phase is not RuntimePhase.READY:
        return "Plans appear once the llama.cpp programs are there", "muted"
    if state.model_problem is not None:
        return state.model_problem.happened, "bad"
    if state.choices.model_path is None:
        return "Choose a model to see where its layers would go", "muted"
    return "Planning…", "muted"


def _reasons_of(state: ClusterState) -> tuple[str, ...]:
    if not isinstance(state.plan, PlanRefused):
        return ()
    shortfalls = (shortfall.sentence for shortfall in state.plan.shortfalls)
    return tuple(dict.fromkeys((*state.plan.reasons, *shortfalls)))


def _basis_of(state: ClusterState) -> str:
    if isinstance(state.plan, Plan) and state.plan.predicted.basis:
        return state.plan.predicted.basis
    return ""


def _column_of(state: ClusterState, variant: PlanVariant) -> VariantColumnContent:
    cells, roles = _refused_cells() if isinstance(variant.result, PlanRefused) else _plan_cells(variant.result, variant)
    title, meaning = _POLICIES[variant.policy]
    if variant.layout is Layout.TRADITIONAL:
        title, meaning = _LAYOUTS[Layout.TRADITIONAL]
    subtitle = _POLICIES[variant.policy][0].lower() if variant.layout is Layout.TRADITIONAL else _LAYOUT_SHORT[variant.layout]
    words = "\n".join(variant.result.reasons) if isinstance(variant.result, PlanRefused) else meaning
    return VariantColumnContent(
        policy=variant.policy,
        layout=variant.layout,
        title=title,
        subtitle=subtitle,
        cells=cells,
        cell_roles=roles,
        words=words,
        chosen=(variant.policy, variant.layout) == (state.choices.policy, state.choices.layout),
    )


def _refused_cells() -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("too small", *("–",) * (len(ROWS) - 1)), ("bad", *("muted",) * (len(ROWS) - 1))


def _plan_cells(plan: Plan, variant: PlanVariant) -> tuple[tuple[str, ...], tuple[str, ...]]:
    used = plan.used_workers
    on_gpu = sum(worker.n_layers for worker in used if worker.kind is DeviceKind.GPU)
    measured = variant.measured
    cells = (
        str(len(used)),
        bytes_text(sum(worker.needed_bytes for worker in used)),
        f"{on_gpu} of {plan.model.n_layers}",
        rate_with_unit(plan.predicted.decode_tokens_per_second),
        rate_with_unit(None if measured is None else measured.decode_tokens_per_second),
        rate_with_unit(plan.predicted.prefill_tokens_per_second),
        rate_with_unit(None if measured is None else measured.prefill_tokens_per_second),
    )
    return cells, tuple("muted" if cell == "–" else "text" for cell in cells)


def column_in_words(column: VariantColumnContent) -> str:
    """A whole column for screen readers."""
    pairs = ", ".join(f"{row} {cell}" for row, cell in zip(ROWS, column.cells, strict=True))
    return f"{column.title}, {column.subtitle}: {pairs}"


def plan_as_text(content: PlanTableContent) -> str:
    """Tab-separated, for the clipboard."""
    head = "\t".join(["", *(f"{column.title} ({column.subtitle})" for column in content.columns)])
    lines = ["\t".join([row, *(column.cells[place] for column in content.columns)]) for place, row in enumerate(ROWS)]
    return "\n".join([head, *lines])
