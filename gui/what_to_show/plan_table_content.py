"""The comparison of plans, the choices that lead to them, and what each worker is worth.

Rows of predicted and measured figures stand beneath each other, always both, a dash where nothing was measured.
Rejected: a chart of the variants (three numbers per column are read faster than bars).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.planning.costs.device_costs import headline_prompt_tokens
from engine.planning.policies.moved_boundary import YOURS
from engine.session.plan_runs.in_background import MEASURE_PLANS, ROUNDS, TOP
from engine.session.reducing.planned.replan import standing_variants
from engine.session.state import ClusterState, PlanVariant, RuntimePhase
from engine.vocabulary.comparison import Approach, Comparison, ComparisonRow
from engine.vocabulary.plan import Plan, PlanRefused, Policy
from engine.vocabulary.worker import Layout, WorkerOffer
from gui.texts.translation import inside_sentence, mark, tr
from gui.what_to_show.formatting import (
    NOT_KNOWN,
    bytes_text,
    count_text,
    duration_text,
    lacking_text,
    rate_with_unit,
    tokens_text,
)

ROWS = (
    mark("Workers"),
    mark("Usable memory"),
    mark("Largest context"),
    mark("Decode, predicted"),
    mark("Decode, measured"),
    mark("Prefill, predicted"),
    mark("Prefill, measured"),
    mark("First token, predicted"),
    mark("First token, measured"),
)

_POLICIES = {
    Policy.FASTEST: (mark("Fastest"), mark("The split that the cost model predicts to decode fastest")),
    Policy.EVEN: (mark("Even"), mark("The same number of layers on every worker")),
    Policy.MEMORY: (mark("By memory"), mark("Layers in proportion to each worker's safe memory")),
}
_LAYOUTS = {
    Layout.PER_DEVICE: (
        mark("Per device"),
        mark("One server per device: devices of a machine compute at the same time during prefill"),
    ),
    Layout.PER_MACHINE: (mark("Per machine"), mark("One server and one connection per machine; its devices take turns")),
    Layout.TRADITIONAL: (mark("Traditional"), mark("One worker per machine: its largest GPU, else its CPU")),
}
_GIVEN_HEADINGS = {
    Approach.HYBRID: (
        mark("Hybrid"),
        mark("all workers"),
        mark("Every CPU and GPU holds at least one layer, as fast as that can be"),
    ),
    Approach.LLAMA_CPP: (
        "llama.cpp",
        mark("its default"),
        mark("The split that llama.cpp makes when it is only given the workers: by free memory, in listed order"),
    ),
}
_LAYOUT_SHORT = {
    Layout.PER_DEVICE: mark("per device"),
    Layout.PER_MACHINE: mark("per machine"),
    Layout.TRADITIONAL: mark("traditional"),
}


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
    approach: str
    """Which row of the comparison it is; empty for another plan."""
    title: str
    subtitle: str
    cells: tuple[str, ...]
    cell_roles: tuple[str, ...]
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTableContent:
    """The plan panel."""

    policy: str | None
    """``None`` when a given split stands instead of a policy's."""
    instead_of_policy: str
    """What it is called."""
    layout: str
    columns: tuple[VariantColumnContent, ...]
    verdict: str
    verdict_role: str
    verdict_words: str
    """The verdict in full, for whoever points at it."""
    reasons: tuple[str, ...]
    """Why there is no plan, one sentence per reason and per worker."""
    basis: str
    row_words: str
    """What the rows mean."""
    can_measure: bool
    measure_words: str
    can_try: bool = False
    """Whether the best plans can be run now."""
    try_words: str = ""
    prompt_percent: int = 0
    """Share of all tokens that are prompt, for which the fastest plan is the fastest."""
    can_mix: bool = False
    """Whether that share changes the plan."""
    worths: tuple[str, ...] = ()
    """What each worker is worth, a sentence each; empty until they are worked out."""


def row_titles() -> tuple[str, ...]:
    """``ROWS`` in the person's language."""
    return tuple(tr(row) for row in ROWS)


def policy_options() -> tuple[OptionContent, ...]:
    """What the policy chooser offers."""
    return tuple(
        OptionContent(key=policy.value, label=tr(label), words=tr(words)) for policy, (label, words) in _POLICIES.items()
    )


def layout_options() -> tuple[OptionContent, ...]:
    """What the layout chooser offers."""
    return tuple(
        OptionContent(key=layout.value, label=tr(label), words=tr(words)) for layout, (label, words) in _LAYOUTS.items()
    )


def _rows_in_words(state: ClusterState) -> str:
    """What the rows mean, for whoever points at their names."""
    prompt = headline_prompt_tokens(state.choices.shape)
    return tr(
        "Usable memory: the safe part of all workers that this plan may use.\n"
        "Largest context: over all slots, at most what the model was trained for.\n"
        "Decode: tokens generated per second. Prefill: tokens of a prompt processed per second.\n"
        "First token: seconds until the answer to a prompt of {prompt} tokens begins, at that prefill.",
        prompt=prompt,
    )


def plan_table_of(state: ClusterState) -> PlanTableContent:
    """Everything in the plan panel."""
    verdict, role = _verdict_of(state)
    ready = state.runtime_phase is RuntimePhase.READY and state.model is not None and bool(state.offers)
    stopped = state.run is None or not state.run_wanted
    trying = any(activity.id == MEASURE_PLANS for activity in state.activities)
    return PlanTableContent(
        policy=None if state.choices.given is not None else state.choices.policy.value,
        instead_of_policy=_given_title(state),
        layout=state.choices.layout.value,
        columns=_columns_of(state),
        prompt_percent=round(100 * state.choices.prompt_share),
        can_mix=state.choices.policy is Policy.FASTEST and bool(state.variants) and stopped,
        verdict=verdict,
        verdict_role=role,
        verdict_words="\n".join(_all_reasons_of(state)),
        reasons=_reasons_of(state),
        basis=_basis_of(state),
        row_words=_rows_in_words(state),
        can_measure=ready and stopped and not trying,
        measure_words=tr("Run a short benchmark on every worker, so that predictions rest on measured speeds")
        if ready and stopped and not trying
        else tr("Needs llama.cpp, a model, and no running cluster"),
        can_try=ready and stopped and not trying and isinstance(state.plan, Plan),
        try_words=tr(
            "Run the chosen plan and the best predicted others for real, {n} in all, in turn, {rounds} times; "
            "every sample goes into the history",
            n=TOP,
            rounds=ROUNDS,
        ),
        worths=_worths_of(state),
    )


def _verdict_of(state: ClusterState) -> tuple[str, str]:
    if isinstance(state.plan, PlanRefused):
        return _refusal_of(state, state.plan), "bad"
    if isinstance(state.plan, Plan):
        return tr(
            "Memory fits: every worker stays under its {percent}%", percent=round((1 - state.choices.reserve_fraction) * 100)
        ), "good"
    if state.runtime_phase is not RuntimePhase.READY:
        return tr("Plans appear once the llama.cpp programs are there"), "muted"
    if state.model_problem is not None:
        return state.model_problem.happened, "bad"
    if state.choices.model_path is None:
        return tr("Choose a model to see where its layers would go"), "muted"
    return tr("Planning…"), "muted"


def _refusal_of(state: ClusterState, refused: PlanRefused) -> str:
    """Of a split by hand which worker is over and by how much; it is drawn, so the rest can be seen."""
    given = state.choices.given
    if given is None:
        return tr("No plan fits")
    over = [(s.worker_id, s.needed_bytes - s.safe_bytes) for s in refused.shortfalls if s.worker_id is not None]
    if not over:
        return tr("{name} cannot be run", name=given.name)
    offers = {offer.id: offer for offer in state.offers}
    worker, size = max(over, key=lambda pair: pair[1])
    name, short = _name_of(offers.get(worker), worker), lacking_text(size)
    if len(over) == 1:
        return tr("{name} does not fit: {worker} is {size} over", name=given.name, worker=name, size=short)
    return tr(
        "{name} does not fit: {worker} is {size} over and {others} less",
        name=given.name,
        worker=name,
        size=short,
        others=count_text(len(over) - 1, "other"),
    )


def _reasons_of(state: ClusterState) -> tuple[str, ...]:
    """None of a split by hand: the verdict names the worker, and a panel that grows would move the map under the mouse."""
    return () if isinstance(state.plan, PlanRefused) and state.plan.wished else _all_reasons_of(state)


def _all_reasons_of(state: ClusterState) -> tuple[str, ...]:
    if not isinstance(state.plan, PlanRefused):
        return ()
    shortfalls = (shortfall.sentence for shortfall in state.plan.shortfalls)
    return tuple(dict.fromkeys((*state.plan.reasons, *shortfalls)))


def _worths_of(state: ClusterState) -> tuple[str, ...]:
    if state.comparison is None:
        return ()
    offers = {offer.id: offer for offer in state.offers}
    return tuple(f"{_name_of(offers.get(w.worker_id), w.worker_id)}: {w.sentence}" for w in state.comparison.workers)


def _name_of(offer: WorkerOffer | None, worker_id: str) -> str:
    return (
        worker_id
        if offer is None
        else tr("{device_name} of {machine_name}", device_name=offer.device_name, machine_name=offer.machine_name)
    )


def _basis_of(state: ClusterState) -> str:
    if isinstance(state.plan, Plan) and state.plan.predicted.basis:
        return state.plan.predicted.basis
    return ""


def _columns_of(state: ClusterState) -> tuple[VariantColumnContent, ...]:
    """What was chosen beside those that are always there comes first: it must not be looked for behind them."""
    standing = standing_variants(state.variants)
    ids = {id(variant) for variant in standing}
    added = tuple(variant for variant in state.variants if id(variant) not in ids)
    return tuple(_column_of(state, variant) for variant in (*added, *standing))


def _column_of(state: ClusterState, variant: PlanVariant) -> VariantColumnContent:
    row = _comparison_row(state.comparison, variant)
    memory = _memory_cells(row, variant)
    if isinstance(variant.result, PlanRefused):
        cells, roles = _refused_cells(variant.result, memory)
    else:
        cells, roles = _plan_cells(variant.result, variant, memory)
    title, subtitle, meaning = _heading(variant)
    words = "\n".join(variant.result.reasons) if isinstance(variant.result, PlanRefused) else meaning
    # llama.cpp's split with too many devices is no split that could be chosen.
    choosable = variant.given is not None or variant.approach not in _GIVEN_HEADINGS
    choices = state.choices
    chosen = (variant.policy, variant.layout, variant.given) == (choices.policy, choices.layout, choices.given)
    return VariantColumnContent(
        policy=variant.policy,
        layout=variant.layout,
        approach=variant.approach.value if variant.approach else "",
        title=title,
        subtitle=subtitle,
        cells=cells,
        cell_roles=roles,
        words=words,
        chosen=chosen and choosable,
    )


def _heading(variant: PlanVariant) -> tuple[str, str, str]:
    """Title, subtitle, and what it means."""
    if variant.approach in _GIVEN_HEADINGS:
        title, subtitle, meaning = _GIVEN_HEADINGS[variant.approach]
        return tr(title), tr(subtitle), tr(meaning)
    if variant.given is not None and variant.given.name == YOURS:
        return tr("Yours"), tr("moved by hand"), tr("The split that you made by moving boundaries of the layer map")
    if variant.given is not None:
        return tr("Given"), variant.given.name, tr("A split that was said layer by layer")
    title, meaning = _POLICIES[variant.policy]
    if variant.layout is Layout.TRADITIONAL:
        name, what = _LAYOUTS[Layout.TRADITIONAL]
        return tr(name), inside_sentence(tr(title)), tr(what)
    return tr(title), tr(_LAYOUT_SHORT[variant.layout]), tr(meaning)


def _given_title(state: ClusterState) -> str:
    given = state.choices.given
    return next((_heading(variant)[0] for variant in state.variants if given is not None and variant.given == given), "")


def _comparison_row(comparison: Comparison | None, variant: PlanVariant) -> ComparisonRow | None:
    """What fits does not depend on the policy, only on the workers; llama.cpp's split alone fits less."""
    if comparison is None:
        return None
    approach = Approach.TRADITIONAL if variant.layout is Layout.TRADITIONAL else Approach.FASTEST
    return comparison.row(variant.approach or approach)


def _memory_cells(row: ComparisonRow | None, variant: PlanVariant) -> tuple[str, str]:
    """Usable memory and largest context; the latter of a split by hand is its own."""
    usable = NOT_KNOWN if row is None else bytes_text(row.usable_bytes)
    own = variant.given is not None and variant.approach is None
    context = variant.largest_context_tokens if own else (None if row is None else row.largest_context_tokens)
    return usable, NOT_KNOWN if context is None else tokens_text(context)


def _refused_cells(refused: PlanRefused, memory: tuple[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    verdict = tr("does not fit") if refused.wished else tr("too small")
    cells = (verdict, *memory, *(NOT_KNOWN,) * (len(ROWS) - 3))
    return cells, ("bad", *("muted" if cell == NOT_KNOWN else "text" for cell in cells[1:]))


def _plan_cells(plan: Plan, variant: PlanVariant, memory: tuple[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    predicted, measured = plan.predicted, variant.measured
    measured_prefill = None if measured is None else measured.prefill_tokens_per_second
    cells = (
        str(len(plan.used_workers)),
        *memory,
        rate_with_unit(predicted.decode_tokens_per_second),
        rate_with_unit(None if measured is None else measured.decode_tokens_per_second),
        rate_with_unit(predicted.prefill_tokens_per_second),
        rate_with_unit(measured_prefill),
        _first_token_text(plan, predicted.prefill_tokens_per_second),
        _first_token_text(plan, measured_prefill),
    )
    return cells, tuple("muted" if cell == NOT_KNOWN else "text" for cell in cells)


def _first_token_text(plan: Plan, prefill_tokens_per_second: float | None) -> str:
    """The standard prompt at this rate: its last logits give the first token (``cost_model.first_token_seconds``). Runs in the
    history keep rates and not prompts, so what was measured is brought to the same prompt."""
    if not prefill_tokens_per_second:
        return NOT_KNOWN
    return duration_text(headline_prompt_tokens(plan.shape) / prefill_tokens_per_second)


def column_in_words(column: VariantColumnContent) -> str:
    """A whole column for screen readers."""
    pairs = ", ".join(f"{row} {cell}" for row, cell in zip(row_titles(), column.cells, strict=True))
    return f"{column.title}, {column.subtitle}: {pairs}"


def plan_as_text(content: PlanTableContent) -> str:
    """Tab-separated, for the clipboard."""
    head = "\t".join(["", *(f"{column.title} ({column.subtitle})" for column in content.columns)])
    lines = ["\t".join([row, *(column.cells[place] for column in content.columns)]) for place, row in enumerate(row_titles())]
    return "\n".join([head, *lines])
