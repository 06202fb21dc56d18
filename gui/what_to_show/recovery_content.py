"""The strip above the page while a run that broke is brought back, and after it: what happened, what is done, what it cost.

The engine's own sentences stand in it in English, as everywhere; what the window itself says is in the language of the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from engine.session.recovering.go_back import IDLE_SECONDS, better_plan, there_again
from engine.session.recovering.told import LEAST_DIFFERENCE, absent_machines, names_left_out
from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.recovery import Cure, Recovered, RecoveryMode, RecoveryStep
from gui.texts.translation import mark, tr
from gui.what_to_show.formatting import count_text, duration_text, rate_text

_CURES = {
    Cure.DIRECT_IO: mark("The model is read with direct I/O (--load-mode dio), the known cure of such a hang."),
    Cure.NO_FLASH_ATTENTION: mark("It runs without flash attention, the known cure of such a crash."),
    Cure.SMALLER_UBATCH: mark("It runs with half the micro-batch (-ub): less memory for computing."),
    Cure.MORE_MARGIN: mark("More memory is left free on the device that had none."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryContent:
    """One strip. Buttons with an empty text are not there."""

    title: str
    words: str
    go_text: str = ""
    """*Try now*, the answer *go on*, or when it is over *use it again*."""
    can_stop: bool = False
    is_over: bool = False
    """It serves again: a notice that can be dismissed."""
    number: int = 0
    """Of the notice, when it is over: larger with every recovery of this launch, and when a machine is there again."""


def recovery_of(state: ClusterState, now_seconds: float) -> RecoveryContent | None:
    """``None`` while there is nothing to tell. ``now_seconds`` of the session's monotonic clock, for the countdown."""
    recovery = state.recovery
    if recovery.goes_on and not recovery.quiet and not state.closing:
        return _going_on(state, now_seconds)
    if recovery.history and state.run_phase is RunPhase.READY:
        return _over(state, recovery.history[-1], recovery.n_recovered)
    return None


def _going_on(state: ClusterState, now_seconds: float) -> RecoveryContent:
    step = state.recovery.step
    words = _joined(state.recovery.happened, *_changes(state))
    if step is RecoveryStep.STOPPING and state.recovery.fault is None:
        return RecoveryContent(
            title=tr("Stopping, to start again on {workers}", workers=_workers(state)), words=words, can_stop=True
        )
    if step is RecoveryStep.STOPPING:
        return RecoveryContent(
            title=tr("Something broke: what is left of the run is being stopped"), words=words, can_stop=True
        )
    if step is RecoveryStep.ASKING:
        return RecoveryContent(title=_question(state), words=words, go_text=_answer(state), can_stop=True)
    if step is RecoveryStep.WAITING:
        return RecoveryContent(title=_waiting(state, now_seconds), words=words, go_text=tr("Try now"), can_stop=True)
    return RecoveryContent(title=tr("Starting again on {workers}", workers=_workers(state)), words=words, can_stop=True)


def _waiting(state: ClusterState, now_seconds: float) -> str:
    recovery = state.recovery
    seconds = max(0, ceil((recovery.next_try_at_seconds or now_seconds) - now_seconds))
    if recovery.missing:
        names = ", ".join(absent_machines(state).values())
        return tr("Nothing fits without {machines}: looking again in {seconds} s", machines=names, seconds=seconds)
    if recovery.attempt > 1:
        return tr(
            "Starting again in {seconds} s on {workers}, attempt {attempt}",
            seconds=seconds,
            workers=_workers(state),
            attempt=recovery.attempt,
        )
    return tr("Starting again in {seconds} s on {workers}", seconds=seconds, workers=_workers(state))


def _question(state: ClusterState) -> str:
    names = names_left_out(state)
    if names:
        return tr("Something broke. Start again without {names}?", names=", ".join(names))
    return tr("Something broke. Start again?")


def _answer(state: ClusterState) -> str:
    rate = state.plan.predicted.decode_tokens_per_second if isinstance(state.plan, Plan) else None
    if rate is None:
        return tr("Go on with {workers}", workers=_workers(state))
    return tr("Go on with {workers}, about {rate} tok/s", workers=_workers(state), rate=rate_text(rate))


def _workers(state: ClusterState) -> str:
    return count_text(len(state.plan.used_workers) if isinstance(state.plan, Plan) else 0, "worker")


def _changes(state: ClusterState) -> list[str]:
    """What is different from before, and what is missing."""
    recovery = state.recovery
    before = recovery.before.cures if recovery.before else ()
    found = [tr(_CURES[cure]) for cure in recovery.cures if cure not in before]
    names = names_left_out(state)
    if names and recovery.step is not RecoveryStep.ASKING and not recovery.missing:
        found.append(tr("Left out: {names}.", names=", ".join(names)))
    return [*found, recovery.missing]


def _over(state: ClusterState, recovered: Recovered, number: int) -> RecoveryContent:
    time, workers = duration_text(recovered.seconds), count_text(recovered.n_workers, "worker")
    if recovered.same_plan:
        title = tr("Back in {time} on the same {workers}", time=time, workers=workers)
    else:
        title = _joined(tr("Back in {time} on {workers}", time=time, workers=workers), _slower(recovered), between=", ")
    left_out = tr("Left out: {names}.", names=", ".join(recovered.left_out)) if recovered.left_out else ""
    words = _joined(recovered.happened, left_out, *(tr(_CURES[cure]) for cure in recovered.cures), _there_again(state))
    use_again = _use_again(state)
    number = 2 * number + bool(use_again)
    return RecoveryContent(title=title, words=words, go_text=use_again, is_over=True, number=number)


def _there_again(state: ClusterState) -> str:
    """What serves is not interrupted for it unless somebody says so."""
    if better_plan(state) is None:
        return ""
    names = ", ".join(there_again(state))
    if state.choices.recovery is RecoveryMode.AUTOMATIC:
        return tr(
            "There again: {names}; used as soon as nobody has asked anything for {time}.",
            names=names,
            time=duration_text(IDLE_SECONDS),
        )
    return tr("There again: {names}.", names=names)


def _use_again(state: ClusterState) -> str:
    plan = better_plan(state)
    if plan is None:
        return ""
    names, rate = ", ".join(there_again(state)), plan.predicted.decode_tokens_per_second
    if rate is None:
        return tr("Use {names} now", names=names)
    return tr("Use {names} now, about {rate} tok/s", names=names, rate=rate_text(rate))


def _slower(recovered: Recovered) -> str:
    before, after = recovered.decode_before, recovered.decode_after
    if before is None or after is None:
        return ""
    less = before - after
    values = {
        "rate": rate_text(abs(less)),
        "after": _figure(after, measured=recovered.after_is_measured),
        "before": _figure(before, measured=recovered.before_is_measured),
    }
    if recovered.before_is_measured != recovered.after_is_measured:  # their difference is no figure
        return tr("{after}, before {before}", **values)
    if abs(less) < LEAST_DIFFERENCE:
        return tr("as fast as before ({after}, before {before})", **values)
    if less > 0:
        return tr("{rate} tokens/s less ({after}, before {before})", **values)
    return tr("{rate} tokens/s more ({after}, before {before})", **values)


def _figure(rate: float, *, measured: bool) -> str:
    return tr("measured {rate}", rate=rate_text(rate)) if measured else tr("predicted {rate}", rate=rate_text(rate))


def _joined(*parts: str, between: str = " ") -> str:
    return between.join(part for part in parts if part)
