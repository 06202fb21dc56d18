"""Everything that the charts show as a table: for those who do not see curves, and for a spreadsheet.

A row per second in which something was read or happened; of what is older, a row per mean. Blank = a gap. The words of a
question are in the window only, never in a file.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.session.reducing.watching import BUSY, SENT
from engine.session.state import ClusterState
from engine.session.watched import Column, Older, Reading
from gui.what_to_show.cards.placed import plan_of_figures
from gui.what_to_show.formatting import count_text
from gui.what_to_show.tabs.throughput_content import column_names
from gui.what_to_show.watching.moments_content import launched_at, moment_text

Cells = tuple[str, ...]
_RATES = ("decode_tokens_per_second", "prefill_tokens_per_second")
_KINDS = {BUSY: "busy_fraction of", SENT: "sent_bytes_per_second to"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresTable:
    """Titles with units, and rows."""

    titles: Cells
    rows: tuple[Cells, ...]


def figures_table_of(state: ClusterState) -> FiguresTable:
    """All that is kept of this launch, oldest first."""
    loads, older = state.watched.loads, state.watched.throughput_before
    recent = [
        Reading(at_seconds=s.at_seconds, values=(s.decode_tokens_per_second, s.prefill_tokens_per_second))
        for s in state.throughput
    ]
    rates = _by_second(older, recent)
    readings = _by_second(loads.older, loads.recent)
    moments = _moments(state)
    names = column_names(state)
    predicted = _predicted(state)
    rows = []
    for second in sorted({*rates, *readings, *moments}):
        step, values = rates.get(second, (0.0, (None, None)))
        load_step, load_values = readings.get(second, (0.0, (None,) * len(loads.columns)))
        averaged = max(step, load_step)
        rows.append(
            (
                iso_time(second + state.zero_is_at_seconds),
                f"{averaged:g}" if averaged else "",
                *map(_number, values),
                *predicted,
                *map(_number, load_values),
                "; ".join(moments.get(second, ())),
            )
        )
    return FiguresTable(titles=_titles(loads.columns, [names[column][0] for column in loads.columns]), rows=tuple(rows))


def _predicted(state: ClusterState) -> tuple[str, str]:
    plan = plan_of_figures(state)
    if plan is None:
        return "", ""
    return _number(plan.predicted.decode_tokens_per_second), _number(plan.predicted.prefill_tokens_per_second)


def _titles(columns: Sequence[Column], names: Sequence[str]) -> Cells:
    predicted = tuple(f"predicted_{rate}" for rate in _RATES)
    kinds = [_KINDS.get(column.kind, "received_bytes_per_second of") for column in columns]
    read = tuple(f"{kind} {name}" for kind, name in zip(kinds, names, strict=True))
    return ("time_iso8601", "averaged_over_seconds", *_RATES, *predicted, *read, "event")


def _by_second(older: Older, recent: Sequence[Reading]) -> dict[int, tuple[float, tuple[float | None, ...]]]:
    """Second -> (over how many it was averaged, values)."""
    means = {int(reading.at_seconds): (older.step_seconds, reading.values) for reading in older.readings}
    return means | {int(reading.at_seconds): (1.0, reading.values) for reading in recent}


def _moments(state: ClusterState) -> dict[int, list[str]]:
    """Those of this launch."""
    begins = launched_at(state)
    found: dict[int, list[str]] = {}
    for moment in state.watched.moments:
        if begins is None or moment.at_seconds >= begins:
            found.setdefault(int(moment.at_seconds), []).append(moment_text(moment, with_question=False))
    return found


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def iso_time(at_seconds: float) -> str:
    """``2026-11-26T14:02:11+0100``: here, with how far that is from UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(at_seconds))


def csv_text(titles: Cells, rows: Sequence[Cells]) -> str:
    """For a spreadsheet, which takes ``=`` and its like at the beginning of somebody's model name for a formula: not so."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return file.getvalue()


def _harmless(cell: str) -> str:
    if not cell or cell[0] not in "=+-@\t":
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def picture_title(state: ClusterState, at_seconds: float) -> str:
    """What a picture of the charts is headed with, so that it still says what it was when it is found again."""
    plan = plan_of_figures(state)
    model = "" if plan is None else f" · {plan.model.name} · {count_text(len(plan.used_workers), 'worker')}"
    return f"Crossply{model} · {time.strftime('%Y-%m-%d %H:%M', time.localtime(at_seconds))}"


def suggested_name(what: str, at_seconds: float, ending: str) -> str:
    """``crossply-throughput-2026-11-26-1402.csv``."""
    return f"crossply-{what}-{time.strftime('%Y-%m-%d-%H%M', time.localtime(at_seconds))}.{ending}"
