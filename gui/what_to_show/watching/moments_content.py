"""Moments in words, as marks on the time axis. Those of one second are one mark."""

from __future__ import annotations

from itertools import groupby

from engine.session.state import ClusterState
from engine.session.watched import Moment, MomentKind
from gui.texts.translation import mark, tr
from gui.what_to_show.watching.charts import MarkContent, clock_text

_BAD = frozenset({MomentKind.ENDED, MomentKind.LOST, MomentKind.FAILED})


def marks_of_moments(state: ClusterState, begins: float) -> tuple[MarkContent, ...]:
    """From ``begins`` (seconds since the epoch) on."""
    shown = [moment for moment in state.watched.moments if moment.at_seconds + state.zero_is_at_seconds >= begins]
    return tuple(
        _mark_of(state, list(group))
        for _second, group in groupby(shown, key=lambda moment: int(moment.at_seconds + state.zero_is_at_seconds))
    )


def moment_text(moment: Moment, *, with_question: bool = True) -> str:
    """``gpu-2: rpc-server for cuda:0 ended``. Without the question's words where it leaves the window."""
    if moment.kind is MomentKind.ASKED:
        return tr("question: “{subject}”", subject=moment.subject) if with_question else tr("question")
    if moment.kind is MomentKind.ENDED:
        return tr("{machine_name}: {subject} ended", machine_name=moment.machine_name, subject=moment.subject)
    if moment.kind is MomentKind.LOST:
        return tr("{subject} is not reachable", subject=moment.subject)
    if moment.kind is MomentKind.BACK:
        return tr("{subject} is reachable again", subject=moment.subject)
    if moment.kind is MomentKind.RECOVERED:
        return tr("back after {subject}", subject=moment.subject)
    return tr(_OF_RUN[moment.kind])


_OF_RUN = {
    MomentKind.LAUNCHED: mark("launched"),
    MomentKind.READY: mark("ready"),
    MomentKind.MEASURED: mark("standard request answered"),
    MomentKind.FAILED: mark("run failed"),
    MomentKind.STOPPED: mark("stopped"),
}


def launched_at(state: ClusterState) -> float | None:
    """When this launch was asked for, of the monotonic clock."""
    launches = [moment.at_seconds for moment in state.watched.moments if moment.kind is MomentKind.LAUNCHED]
    return launches[-1] if launches else None


def _mark_of(state: ClusterState, moments: list[Moment]) -> MarkContent:
    bad_first = sorted(moments, key=lambda moment: moment.kind is not MomentKind.ENDED)
    at_seconds = moments[0].at_seconds + state.zero_is_at_seconds
    return MarkContent(
        at_seconds=at_seconds,
        words=f"{clock_text(at_seconds)} {', '.join(dict.fromkeys(moment_text(moment) for moment in bad_first))}",
        role="bad" if any(moment.kind in _BAD for moment in moments) else "muted",
    )
