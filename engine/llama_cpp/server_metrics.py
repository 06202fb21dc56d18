"""llama-server's running totals, from the text of ``/metrics`` (Prometheus format, ``llamacpp:`` names).

Only totals are read: the averages that llama-server also prints go over its whole life. Rejected: a Prometheus client
library for five numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import CoordinatorUnusable

_PREFIX = "llamacpp:"
_REQUIRED = ("prompt_tokens_total", "prompt_seconds_total", "tokens_predicted_total", "tokens_predicted_seconds_total")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTotals:
    """Running totals since llama-server started; the same fields as ``ports.Counters``, which is a stranger to this ring."""

    prompt_tokens: float
    prompt_seconds: float
    decoded_tokens: float
    decode_seconds: float
    requests_processing: float


def parse_metrics(text: str) -> ServerTotals:
    """Totals of one reading, tokens and seconds. Raises ``CoordinatorUnusable`` when one is missing or no number."""
    found = dict(_samples(text))
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise CoordinatorUnusable(
            f"llama-server's /metrics lack {', '.join(missing)}.",
            advice="Check that it was started with --metrics, and that it is llama-server at all.",
            details=text[:2000],
        )
    return ServerTotals(
        prompt_tokens=found["prompt_tokens_total"],
        prompt_seconds=found["prompt_seconds_total"],
        decoded_tokens=found["tokens_predicted_total"],
        decode_seconds=found["tokens_predicted_seconds_total"],
        requests_processing=found.get("requests_processing", 0.0),
    )


def decoding_slots(text: str) -> tuple[tuple[int, int], ...]:
    """(task, tokens generated so far) of every slot that is answering, from the JSON of ``/slots``; odd ones are left out."""
    found = (_decoding(slot) for slot in _listed(text))
    return tuple(pair for pair in found if pair is not None)


def work_marks(metrics: str, slots: str) -> tuple[int, ...]:
    """Numbers that change with every batch that is done: ``n_decode_total`` of the metrics, and of every slot that works its
    task, its tokens read and its tokens generated. Only what the build tells."""
    total = dict(_samples(metrics)).get("n_decode_total")
    return (*(() if total is None else (int(total),)), *(mark for slot in _listed(slots) for mark in _marks_of(slot)))


def _marks_of(slot: object) -> tuple[int, ...]:
    if not isinstance(slot, dict) or not slot.get("is_processing"):
        return ()
    decoding = _decoding(slot) or ()
    read = slot.get("n_prompt_tokens_processed")
    return (*decoding, read) if isinstance(read, int) else decoding


def _listed(text: str) -> list[object]:
    try:
        slots = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return slots if isinstance(slots, list) else []


def _decoding(slot: object) -> tuple[int, int] | None:
    if not isinstance(slot, dict) or not slot.get("is_processing"):
        return None
    tokens = slot.get("next_token")
    first = tokens[0] if isinstance(tokens, list) and tokens else tokens  # a list since 2025, an object before
    task, decoded = slot.get("id_task"), first.get("n_decoded") if isinstance(first, dict) else None
    return (task, decoded) if isinstance(task, int) and isinstance(decoded, int) else None


def _samples(text: str) -> Iterator[tuple[str, float]]:
    for line in text.splitlines():
        name, _, value = line.strip().partition(" ")
        number = _number(value) if name.startswith(_PREFIX) else None
        if number is not None:
            yield name.removeprefix(_PREFIX).partition("{")[0], number


def _number(value: str) -> float | None:
    """A total is a finite number from 0 up; ``nan`` may not pass as one."""
    try:
        number = float(value.split()[0])
    except (ValueError, IndexError):
        return None
    return number if math.isfinite(number) and number >= 0 else None
