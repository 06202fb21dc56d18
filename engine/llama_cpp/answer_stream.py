"""One line of a streamed answer of llama-server: ``data: {...}``, of ``/completion`` or of ``/v1/chat/completions``.

Both carry llama-server's own ``timings`` in their last object (server-task.cpp, ``result_timings``). Rejected: timing the
pieces here, which would measure the connection and the operating system as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from engine.errors import CoordinatorUnusable
from engine.vocabulary.running.throughput import RequestTimings

_DATA = "data: "
_END = "[DONE]"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPiece:
    """The same as ``ports.AnswerPiece``, which is a stranger to this ring."""

    text: str
    timings: RequestTimings | None


def parse_stream_line(line: str) -> StreamPiece | None:
    """A piece, or ``None`` for blank lines and the end mark. Raises ``CoordinatorUnusable`` for an error or nonsense."""
    if line.startswith("error: "):
        raise _reported(line.removeprefix("error: "))
    if not line.startswith(_DATA) or line == _DATA + _END:
        return None
    found = _object_of(line.removeprefix(_DATA))
    if "error" in found:
        raise _reported(json.dumps(found["error"]))
    timings = found.get("timings")
    return StreamPiece(text=_text_of(found), timings=timings_of(timings) if isinstance(timings, dict) else None)


def _object_of(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CoordinatorUnusable("llama-server sent a piece of an answer that is no JSON.", details=text[:500])
    return found


def _text_of(found: dict[str, Any]) -> str:
    choices = found.get("choices")
    if not isinstance(choices, list):
        return str(found.get("content") or "")
    delta = choices[0].get("delta") if choices and isinstance(choices[0], dict) else None
    if not isinstance(delta, dict):
        return ""
    return str(delta.get("reasoning_content") or "") + str(delta.get("content") or "")


def timings_of(timings: dict[str, Any]) -> RequestTimings:
    """llama-server's ``timings`` object. Raises ``CoordinatorUnusable`` when something is missing in it."""
    try:
        return RequestTimings(
            prompt_tokens=int(timings["prompt_n"]),
            prompt_seconds=float(timings["prompt_ms"]) / 1000,
            decoded_tokens=int(timings["predicted_n"]),
            decode_seconds=float(timings["predicted_ms"]) / 1000,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CoordinatorUnusable("llama-server's timings are incomplete.", details=str(timings)[:500]) from error


def _reported(text: str) -> CoordinatorUnusable:
    try:
        found = json.loads(text)
        message = str(found["message"]) if isinstance(found, dict) else text
    except (ValueError, KeyError, RecursionError):
        message = text
    return CoordinatorUnusable(f"llama-server reported: {message[:300]}")
