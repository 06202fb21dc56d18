"""What ``llama-bench -o json`` printed, as rows. Untrusted text: whatever is not a complete, positive row is left out."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """One test: a prompt or a generation, of one model."""

    file_name: str
    """Of the model, without its folder; empty when the program does not say."""
    prompt_tokens: int
    decode_tokens: int
    depth_tokens: int
    ubatch_tokens: int
    tokens_per_second: float
    """Median of the repetitions: a load beside it must not count more than once."""


def rows_in(lines: tuple[str, ...]) -> tuple[BenchRow, ...]:
    """All rows. The JSON array goes from the line ``[`` to the line ``]``; other lines (stderr) stand before and after it."""
    try:
        begin = lines.index("[")
        rows = json.loads("\n".join(lines[begin : lines.index("]", begin) + 1]))
    except (ValueError, RecursionError):
        return ()
    found = (_row(row) for row in rows if isinstance(row, dict))
    return tuple(row for row in found if row is not None)


def _row(row: dict[str, object]) -> BenchRow | None:
    rate = _rate(row)
    if rate is None:
        return None
    name = row.get("model_filename")
    return BenchRow(
        file_name=PurePath(name).name if isinstance(name, str) else "",
        prompt_tokens=_number(row, "n_prompt"),
        decode_tokens=_number(row, "n_gen"),
        depth_tokens=_number(row, "n_depth"),
        ubatch_tokens=_number(row, "n_ubatch"),
        tokens_per_second=rate,
    )


def _rate(row: dict[str, object]) -> float | None:
    samples = row.get("samples_ts")
    rates = [rate for rate in samples if isinstance(rate, float) and rate > 0] if isinstance(samples, list) else []
    if rates:
        return statistics.median(rates)
    mean = row.get("avg_ts")
    return mean if isinstance(mean, float) and mean > 0 else None


def _number(row: dict[str, object], key: str) -> int:
    value = row.get(key)
    return value if isinstance(value, int) else 0
