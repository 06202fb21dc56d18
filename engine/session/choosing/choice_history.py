"""Undo and redo over what a person chose for the plan. Pure: a history is replaced by the next one, as a state is.

A step keeps only the choices that a plan is made from; undoing leaves alone what was chosen meanwhile about other things
(machines that were added, who may reach them). The model is among them, since a split by hand is of one model. A gesture (a
boundary under the mouse, a key held down) is one step, however many choices it makes.

Rejected: a command object per kind of edit with its inverse (the choices are one frozen value; the value before is the
inverse), and undoing whole ``Choices`` (it would take machines out of the cluster).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.session.state import Choices
from engine.vocabulary.plan import GivenSplit, Policy, RunShape
from engine.vocabulary.worker import Layout, WorkerId

MOST_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChoices:
    """The part of ``Choices`` that changes the plan and can be undone."""

    model_path: str | None
    policy: Policy
    layout: Layout
    shape: RunShape
    cpu_workers: int
    left_out: frozenset[WorkerId]
    given: GivenSplit | None
    prompt_share: float


def plan_choices_of(choices: Choices) -> PlanChoices:
    """That part."""
    return PlanChoices(
        model_path=choices.model_path,
        policy=choices.policy,
        layout=choices.layout,
        shape=choices.shape,
        cpu_workers=choices.cpu_workers,
        left_out=choices.left_out,
        given=choices.given,
        prompt_share=choices.prompt_share,
    )


def best_of(choices: Choices) -> Choices:
    """The same run as the planner would split it: fastest, one server per device, nothing moved by hand. What a person has
    other reasons for stays: sizes, workers that are off, chat or documents."""
    return replace(choices, policy=Policy.FASTEST, layout=Layout.PER_DEVICE, given=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceHistory:
    """Steps back and steps forward."""

    past: tuple[PlanChoices, ...] = ()
    """Oldest first."""
    future: tuple[PlanChoices, ...] = ()
    """The next one to redo last."""
    in_gesture: bool = False
    """A gesture goes on, and the last of ``past`` is where it began."""

    def changed(self, before: Choices, after: Choices) -> ChoiceHistory:
        """Something was chosen. Nothing that a plan is made from: no step."""
        was = plan_choices_of(before)
        if self.in_gesture or was == plan_choices_of(after):
            return self
        return ChoiceHistory(past=(*self.past, was)[-MOST_STEPS:])

    def gesture_begun(self, now: Choices) -> ChoiceHistory:
        """From now on all is one step, until it ends. What could be redone stays so until something changed."""
        if self.in_gesture:
            return self
        return replace(self, past=(*self.past, plan_choices_of(now))[-MOST_STEPS:], in_gesture=True)

    def gesture_ended(self, now: Choices) -> ChoiceHistory:
        """One step, or none when it came back to where it began."""
        if not self.in_gesture:
            return self
        if self.past[-1] == plan_choices_of(now):
            return replace(self, past=self.past[:-1], in_gesture=False)
        return ChoiceHistory(past=self.past)

    def gesture_cancelled(self, now: Choices) -> tuple[ChoiceHistory, Choices]:
        """As if it had never begun: the history, and the choices of then."""
        if not self.in_gesture:
            return self, now
        return replace(self, past=self.past[:-1], in_gesture=False), _with(now, self.past[-1])

    def undone(self, now: Choices) -> tuple[ChoiceHistory, Choices]:
        """One step back; the same choices when there is none."""
        history = self.gesture_ended(now)
        if not history.past:
            return history, now
        *past, last = history.past
        return ChoiceHistory(past=tuple(past), future=(*history.future, plan_choices_of(now))), _with(now, last)

    def redone(self, now: Choices) -> tuple[ChoiceHistory, Choices]:
        """One step forward again; the same choices when there is none."""
        history = self.gesture_ended(now)
        if not history.future:
            return history, now
        *future, following = history.future
        return ChoiceHistory(past=(*history.past, plan_choices_of(now)), future=tuple(future)), _with(now, following)


def _with(choices: Choices, part: PlanChoices) -> Choices:
    return replace(
        choices,
        model_path=part.model_path,
        policy=part.policy,
        layout=part.layout,
        shape=part.shape,
        cpu_workers=part.cpu_workers,
        left_out=part.left_out,
        given=part.given,
        prompt_share=part.prompt_share,
    )
