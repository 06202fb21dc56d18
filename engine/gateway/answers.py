"""What the gateway says itself, in the format of OpenAI's API: ``{"error": {"message", "type", "code"}}``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from engine.vocabulary.running.api import Serving, ServingPhase

RETRY_SECONDS = 5
"""Where it is not known when it is worth another try."""
STOPPED_RETRY_SECONDS = 30

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer instead of the model's."""

    status: int
    message: str
    type: str
    code: str
    retry_after_seconds: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def document(self) -> dict[str, dict[str, str]]:
        """As OpenAI's clients expect it."""
        return {"error": {"message": self.message, "type": self.type, "code": self.code}}

    @property
    def body(self) -> bytes:
        """The JSON document."""
        return json.dumps(self.document).encode()

    @property
    def raw_headers(self) -> RawHeaders:
        """The headers that go with it."""
        found = [(b"content-type", b"application/json"), (b"content-length", str(len(self.body)).encode()), *self.headers]
        if self.retry_after_seconds is not None:
            found.append((b"retry-after", str(self.retry_after_seconds).encode()))
        return found

    @property
    def event(self) -> bytes:
        """As the last event of a stream that cannot go on."""
        return b"data: " + self.body + b"\n\n"


class Unavailable(Exception):
    """No llama-server, and waiting does not help. ``refusal`` is what the client is told."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def unavailable(message: str, retry_after_seconds: float | None = None) -> Refusal:
    """503: try again later."""
    seconds = RETRY_SECONDS if retry_after_seconds is None else max(1, math.ceil(retry_after_seconds))
    return Refusal(status=503, message=message, type="server_error", code="service_unavailable", retry_after_seconds=seconds)


def not_serving(serving: Serving, expected_seconds: float | None) -> Refusal:
    """503 for a request that cannot be kept waiting, with what is known of when to come back."""
    if serving.phase is ServingPhase.NOTHING:
        return unavailable(serving.doing or "No model is being served.", STOPPED_RETRY_SECONDS)
    return unavailable(serving.doing or "The model is not ready yet.", expected_seconds)


def bad_request(message: str) -> Refusal:
    """400."""
    return Refusal(status=400, message=message, type="invalid_request_error", code="bad_request")


def too_slow(message: str) -> Refusal:
    """408."""
    return Refusal(status=408, message=message, type="invalid_request_error", code="request_timeout")


def health(serving: Serving, expected_seconds: float | None) -> tuple[int, RawHeaders, bytes]:
    """Status, headers and body of ``GET /health``: the same document as llama-server's, and ``state`` beside it."""
    if serving.phase is ServingPhase.READY:
        body = json.dumps({"status": "ok", "state": serving.phase.value}).encode()
        return 200, [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())], body
    refusal = not_serving(serving, expected_seconds)
    document: dict[str, object] = {**refusal.document, "status": "unavailable", "state": serving.phase.value}
    if expected_seconds is not None:
        document["expected_seconds"] = round(expected_seconds, 1)
    body = json.dumps(document).encode()
    retry = str(refusal.retry_after_seconds).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"retry-after", retry)]
    return 503, headers, body
