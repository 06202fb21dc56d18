"""Throughput: curves with gaps where nothing ran, and the three figures that are compared with the prediction.

A gap stays ``None``: a zero would claim that the cluster ran and produced nothing. The figures are of the standard request
sent once after start, because only that one is comparable with the prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.throughput import RequestTimings
from gui.what_to_show.cards.placed import shown_plan
from gui.what_to_show.formatting import NOT_KNOWN, difference_text, duration_text, rate_text, rate_with_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureContent:
    """One big number with what was predicted."""

    value: str
    unit: str
    comparison: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveContent:
    """One curve: seconds before now (negative) and tokens per second."""

    title: str
    seconds: tuple[float, ...]
    rates: tuple[float | None, ...]
    dots: tuple[tuple[float, float], ...]
    """(seconds, rate) of points that no line would show, having a gap on both sides, and of the newest one."""
    predicted: float | None
    predicted_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputContent:
    """The throughput tab."""

    decode: CurveContent
    prefill: CurveContent
    figures: tuple[FigureContent, ...]
    empty: str
    """What to say instead of curves; empty when there are samples."""


def throughput_of(state: ClusterState) -> ThroughputContent:
    """Curves and figures of the running cluster, or what to expect of the planned one."""
    plan = shown_plan(state)
    predicted_decode = None if plan is None else plan.predicted.decode_tokens_per_second
    predicted_prefill = None if plan is None else plan.predicted.prefill_tokens_per_second
    newest = state.throughput[-1].at_seconds if state.throughput else 0.0
    seconds = tuple(sample.at_seconds - newest for sample in state.throughput)
    any_rate = any(sample.decode_tokens_per_second or sample.prefill_tokens_per_second for sample in state.throughput)
    benchmark = None if state.run is None else state.run.benchmark
    return ThroughputContent(
        decode=_curve_of(
            "Decode", seconds, tuple(sample.decode_tokens_per_second for sample in state.throughput), predicted_decode
        ),
        prefill=_curve_of(
            "Prefill", seconds, tuple(sample.prefill_tokens_per_second for sample in state.throughput), predicted_prefill
        ),
        figures=_figures_of(benchmark, predicted_decode, predicted_prefill),
        empty="" if any_rate else _empty_of(state),
    )


def _curve_of(name: str, seconds: tuple[float, ...], rates: tuple[float | None, ...], predicted: float | None) -> CurveContent:
    return CurveContent(
        title=f"{name}, tokens per second",
        seconds=seconds,
        rates=rates,
        dots=_dots_of(seconds, rates),
        predicted=predicted,
        predicted_words=_predicted_words(predicted),
    )


def _dots_of(seconds: tuple[float, ...], rates: tuple[float | None, ...]) -> tuple[tuple[float, float], ...]:
    found: list[tuple[float, float]] = []
    newest = max((index for index, rate in enumerate(rates) if rate is not None), default=-1)
    padded = (None, *rates, None)
    for index, rate in enumerate(rates):
        alone = padded[index] is None and padded[index + 2] is None
        if rate is not None and (alone or index == newest):
            found.append((seconds[index], rate))
    return tuple(found)


def _predicted_words(rate: float | None) -> str:
    return "" if rate is None else f"predicted {rate_text(rate)}"


def _empty_of(state: ClusterState) -> str:
    if state.run is None:
        return "Launch the cluster to see decode and prefill speeds as they happen."
    if state.run_phase is not RunPhase.READY:
        return "The curves begin when the model is loaded and a request runs."
    return "No request has run yet. Ask something under “Try it”, or send a request to the address below."


def _figures_of(
    benchmark: RequestTimings | None, predicted_decode: float | None, predicted_prefill: float | None
) -> tuple[FigureContent, ...]:
    decode = None if benchmark is None else benchmark.decode_tokens_per_second
    prefill = None if benchmark is None else benchmark.prefill_tokens_per_second
    return (
        _rate_figure("decode", decode, predicted_decode),
        _rate_figure("prefill", prefill, predicted_prefill),
        FigureContent(
            value=NOT_KNOWN if benchmark is None else duration_text(benchmark.prompt_seconds),
            unit="to first token",
            comparison="not measured yet" if benchmark is None else f"prompt of {benchmark.prompt_tokens} tokens",
            words="Time from sending the prompt to the first token of the answer",
        ),
    )


def _rate_figure(name: str, measured: float | None, predicted: float | None) -> FigureContent:
    difference = difference_text(measured, predicted)
    comparison = "no prediction" if predicted is None else f"predicted {rate_text(predicted)}"
    return FigureContent(
        value=rate_text(measured),
        unit=f"tok/s {name}",
        comparison=f"{comparison} ({difference})" if difference else comparison,
        words=f"Measured by llama-server on the standard request: {rate_with_unit(measured)}",
    )
