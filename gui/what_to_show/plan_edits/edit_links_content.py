"""Undo, redo and *back to best*, beside the plan's title: what each would do, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.session.choosing.choice_history import ChoiceHistory, PlanChoices, best_of, plan_choices_of
from engine.session.state import ClusterState
from gui.texts.translation import mark, tr
from gui.what_to_show.plan_edits.drawn_split import can_edit

_WHILE_RUNNING = mark("Not while something runs: stop it first")
_UNDO = (mark("Undo: {what} ({keys})"), mark("Nothing to undo ({keys})"))
_REDO = (mark("Redo: {what} ({keys})"), mark("Nothing to redo ({keys})"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EditLinkContent:
    """One of the three."""

    enabled: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditLinksContent:
    """All three."""

    best: EditLinkContent
    undo: EditLinkContent
    redo: EditLinkContent


def edit_links_of(state: ClusterState, history: ChoiceHistory) -> EditLinksContent:
    """What can be undone of what was chosen so far."""
    if not can_edit(state):
        words = tr(_WHILE_RUNNING) if state.run_wanted else tr("There is no plan to edit")
        off = EditLinkContent(enabled=False, words=words)
        return EditLinksContent(best=off, undo=off, redo=off)
    now = plan_choices_of(state.choices)
    return EditLinksContent(
        best=_best_link(state),
        undo=_step_link(_UNDO, "Ctrl+Z", history.past[-1] if history.past else None, now),
        redo=_step_link(_REDO, "Ctrl+Shift+Z", history.future[-1] if history.future else None, now),
    )


def _best_link(state: ClusterState) -> EditLinkContent:
    if best_of(state.choices) == state.choices:
        return EditLinkContent(enabled=False, words=tr("This is the fastest split that the planner finds"))
    words = tr("Back to the fastest split that the planner finds for these workers, this context and these slots")
    return EditLinkContent(enabled=True, words=words)


def _step_link(verb: tuple[str, str], keys: str, step: PlanChoices | None, now: PlanChoices) -> EditLinkContent:
    if step is None:
        return EditLinkContent(enabled=False, words=tr(verb[1], keys=keys))
    what = ", ".join(_differences(step, now)) or tr("the last change")
    return EditLinkContent(enabled=True, words=tr(verb[0], what=what, keys=keys))


def _differences(some: PlanChoices, others: PlanChoices) -> Iterator[str]:
    """What is not the same in both, as people call it."""
    pairs = (
        (tr("model"), some.model_path, others.model_path),
        (tr("layers per worker"), some.given, others.given),
        (tr("policy"), some.policy, others.policy),
        (tr("layout"), some.layout, others.layout),
        (tr("context"), some.shape.context_tokens, others.shape.context_tokens),
        (tr("slots"), some.shape.slots, others.shape.slots),
        (tr("KV cache type"), _cache_types(some), _cache_types(others)),
        (tr("workers switched on or off"), some.left_out, others.left_out),
        (tr("number of CPU workers"), some.cpu_workers, others.cpu_workers),
        (tr("chat or documents"), some.prompt_share, others.prompt_share),
    )
    return (name for name, one, other in pairs if one != other)


def _cache_types(choices: PlanChoices) -> tuple[str, str]:
    return choices.shape.cache_type_k, choices.shape.cache_type_v
