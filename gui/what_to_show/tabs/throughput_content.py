"""Throughput: curves over time, and the three figures that are compared with the prediction.

The figures are of the standard request sent once after start, because only that one is comparable with the prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.session.reducing.watching import BUSY
from engine.session.state import ClusterState, RunPhase
from engine.session.watched import Column, Reading
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.worker import WorkerId
from gui.texts.translation import tr
from gui.what_to_show.cards.placed import plan_of_figures
from gui.what_to_show.formatting import NOT_KNOWN, difference_text, duration_text, rate_text, rate_with_unit
from gui.what_to_show.watching.charts import (
    ChartContent,
    LineContent,
    MarkContent,
    Unit,
    Window,
    line_of,
    shown_readings,
    span_of,
    thinned,
    top_of,
)
from gui.what_to_show.watching.moments_content import launched_at, marks_of_moments
from gui.what_to_show.worker_marks import NO_WORKER, WorkerMark, marks_of, offers_by_id, worker_name

DECODE_MARK = WorkerMark(colour=0, pattern=0)
PREFILL_MARK = WorkerMark(colour=5, pattern=0)
_POINTS_OF_SMALL_CHART = 150
_RATES = ("decode", "prefill")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureContent:
    """One big number with what was predicted."""

    value: str
    unit: str
    comparison: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputContent:
    """The throughput tab."""

    window: Window
    decode: ChartContent
    prefill: ChartContent
    busy: ChartContent
    network: ChartContent
    figures: tuple[FigureContent, ...]
    """None before anything is predicted."""
    empty: str
    """What to say instead of all curves; empty once anything was read."""

    @property
    def charts(self) -> tuple[ChartContent, ...]:
        """In reading order."""
        return (self.decode, self.prefill, self.busy, self.network)


def inputs_of(state: ClusterState) -> tuple[object, ...]:
    """What the tab is made of: while these are the same objects, its content is the same."""
    return (
        state.throughput,
        state.watched,
        state.run,
        state.run_phase,
        state.plan,
        state.offers,
        state.zero_is_at_seconds,
    )


def throughput_of(state: ClusterState, window: Window = Window.TEN_MINUTES) -> ThroughputContent:
    """Curves and figures of the running cluster, or what to expect of the planned one."""
    plan = plan_of_figures(state)
    predicted_decode = None if plan is None else plan.predicted.decode_tokens_per_second
    predicted_prefill = None if plan is None else plan.predicted.prefill_tokens_per_second
    span = _span_of(state, window)
    marks = marks_of_moments(state, span[0])
    rates, loads = _rates_of(state, span), _loads_of(state, span)
    return ThroughputContent(
        window=window,
        decode=_rate_chart(state, "decode", rates, span, marks, predicted_decode),
        prefill=_rate_chart(state, "prefill", rates, span, marks, predicted_prefill),
        busy=_busy_chart(state, loads, span, marks),
        network=_network_chart(state, loads, span, marks),
        figures=_figures_of(None if state.run is None else state.run.benchmark, predicted_decode, predicted_prefill),
        empty="" if state.throughput or state.watched.loads.recent else _empty_of(state),
    )


# -- time


def _span_of(state: ClusterState, window: Window) -> tuple[float, float]:
    """All charts show the same time: up to the newest reading or moment, from the launch at the earliest."""
    loads = state.watched.loads.recent
    newest = [state.throughput[-1].at_seconds] if state.throughput else []
    newest += [loads[-1].at_seconds] if loads else []
    launched = launched_at(state)
    newest += [moment.at_seconds for moment in state.watched.moments[-1:]]
    last = max(newest, default=state.now_seconds)
    before = state.watched.throughput_before
    oldest = [mean.number * before.step_seconds for mean in before.means[:1]]
    oldest += [sample.at_seconds for sample in state.throughput[:1]]
    first = min(oldest, default=last) if launched is None else launched
    return span_of(window, first + state.zero_is_at_seconds, last + state.zero_is_at_seconds)


# -- charts


def _rates_of(state: ClusterState, span: tuple[float, float]) -> tuple[Reading, ...]:
    """(decode, prefill) as they were read."""
    recent = [
        Reading(at_seconds=s.at_seconds, values=(s.decode_tokens_per_second, s.prefill_tokens_per_second))
        for s in state.throughput
    ]
    return shown_readings(state.watched.throughput_before, recent, span[0], state.zero_is_at_seconds)


def _loads_of(state: ClusterState, span: tuple[float, float]) -> tuple[Reading, ...]:
    """As many as a small chart has room for."""
    loads = state.watched.loads
    readings = shown_readings(loads.older, loads.recent, span[0], state.zero_is_at_seconds)
    return thinned(readings, (span[1] - span[0]) / _POINTS_OF_SMALL_CHART)


def _rate_chart(
    state: ClusterState,
    name: str,
    readings: tuple[Reading, ...],
    span: tuple[float, float],
    marks: tuple[MarkContent, ...],
    predicted: float | None,
) -> ChartContent:
    place = _RATES.index(name)
    times = _times(state, readings)
    mark = (DECODE_MARK, PREFILL_MARK)[place]
    lines = (line_of(_rate_name(name), mark, times, [reading.values[place] for reading in readings]),)
    return ChartContent(
        title=tr("{name}, tokens per second", name=_rate_name(name).capitalize()),
        unit=Unit.RATE,
        times=times,
        lines=lines,
        span=span,
        top=top_of(lines, predicted, 1.0),
        marks=marks,
        predicted=predicted,
        predicted_words="" if predicted is None else tr("predicted {rate}", rate=rate_text(predicted)),
        empty="" if any(value is not None for value in lines[0].values) else _empty_of(state),
    )


def _rate_name(name: str) -> str:
    return tr("decode") if name == _RATES[0] else tr("prefill")


def _busy_chart(
    state: ClusterState, readings: tuple[Reading, ...], span: tuple[float, float], marks: tuple[MarkContent, ...]
) -> ChartContent:
    columns = [(place, column) for place, column in enumerate(state.watched.loads.columns) if column.kind == BUSY]
    times, lines = _lines_of_loads(state, readings, columns)
    return ChartContent(
        title=tr("Busy"),
        unit=Unit.BUSY,
        times=times,
        lines=lines,
        span=span,
        top=1.2,
        marks=marks,
        empty="" if lines else tr("How busy each worker's device is: once it runs."),
    )


def _network_chart(
    state: ClusterState, readings: tuple[Reading, ...], span: tuple[float, float], marks: tuple[MarkContent, ...]
) -> ChartContent:
    columns = [(place, column) for place, column in enumerate(state.watched.loads.columns) if column.kind != BUSY]
    times, lines = _lines_of_loads(state, readings, columns)
    alone = state.run is not None and bool(state.watched.loads.columns)
    return ChartContent(
        title=tr("Sent to"),
        unit=Unit.BYTES,
        times=times,
        lines=lines,
        span=span,
        top=top_of(lines, None, 100_000.0),
        marks=marks,
        empty=""
        if lines
        else (tr("Nothing: all workers are on this machine.") if alone else tr("Bytes per second, once it runs.")),
    )


def _lines_of_loads(
    state: ClusterState, readings: tuple[Reading, ...], columns: Sequence[tuple[int, Column]]
) -> tuple[tuple[float, ...], tuple[LineContent, ...]]:
    if not columns:
        return (), ()
    times = _times(state, readings)
    names = column_names(state)
    lines = [line_of(*names[column], times, [reading.values[place] for reading in readings]) for place, column in columns]
    return times, tuple(lines)


def column_names(state: ClusterState) -> dict[Column, tuple[str, WorkerMark]]:
    """Name and mark of everything that is read: a machine's curve has the mark of its first worker."""
    marks, offers = marks_of(state), offers_by_id(state)
    many = len({offer.machine_id for offer in offers.values()}) > 1
    found = {}
    for column in state.watched.loads.columns:
        if column.kind == BUSY:
            offer = offers.get(WorkerId(column.id))
            name = column.id if offer is None else worker_name(offer, many_machines=many)
            found[column] = (name, marks.get(WorkerId(column.id), NO_WORKER))
            continue
        workers = [] if state.run is None else [w for w in state.run.plan.used_workers if w.offer.machine_id == column.id]
        machine = workers[0].offer.machine_name if workers else column.id
        mark = marks.get(workers[0].id, NO_WORKER) if workers else NO_WORKER
        found[column] = (machine if column.kind == "sent" else tr("{machine}, all that it takes in", machine=machine), mark)
    return found


def _times(state: ClusterState, readings: Sequence[Reading]) -> tuple[float, ...]:
    return tuple(reading.at_seconds + state.zero_is_at_seconds for reading in readings)


# -- words and figures


def _empty_of(state: ClusterState) -> str:
    if state.run is None:
        return tr("Launch the cluster to see decode and prefill speeds as they happen.")
    if state.run_phase is not RunPhase.READY:
        return tr("The curves begin when the model is loaded and a request runs.")
    return tr("No request has run yet. Ask something under “Try it”, or send a request to the address below.")


def _figures_of(
    benchmark: RequestTimings | None, predicted_decode: float | None, predicted_prefill: float | None
) -> tuple[FigureContent, ...]:
    if benchmark is None and predicted_decode is None and predicted_prefill is None:
        return ()
    decode = None if benchmark is None else benchmark.decode_tokens_per_second
    prefill = None if benchmark is None else benchmark.prefill_tokens_per_second
    return (
        _rate_figure("decode", decode, predicted_decode),
        _rate_figure("prefill", prefill, predicted_prefill),
        FigureContent(
            value=NOT_KNOWN if benchmark is None else duration_text(benchmark.prompt_seconds),
            unit=tr("to first token"),
            comparison=tr("not measured yet")
            if benchmark is None
            else tr("prompt of {prompt_tokens} tokens", prompt_tokens=benchmark.prompt_tokens),
            words=tr("Time from sending the prompt to the first token of the answer"),
        ),
    )


def _rate_figure(name: str, measured: float | None, predicted: float | None) -> FigureContent:
    difference = difference_text(measured, predicted)
    comparison = tr("no prediction") if predicted is None else tr("predicted {rate}", rate=rate_text(predicted))
    return FigureContent(
        value=rate_text(measured),
        unit=f"tok/s {_rate_name(name)}",
        comparison=f"{comparison} ({difference})" if difference else comparison,
        words=tr("Measured by llama-server on the standard request: {rate}", rate=rate_with_unit(measured)),
    )
