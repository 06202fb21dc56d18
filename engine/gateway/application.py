"""The ASGI application: lets in, answers what it knows itself, and passes on the rest."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable
from time import monotonic

from starlette.types import Receive, Scope, Send

from engine.gateway import answers
from engine.gateway.admission import (
    HEALTH_PATHS,
    Arrival,
    Door,
    cors_headers,
    is_preflight,
    preflight_headers,
    refusal_of,
)
from engine.gateway.exchange import Exchange, Means
from engine.gateway.passed_headers import Raw, first, is_last

_LAST_WORD_SECONDS = 1.0
"""A client that reads nothing is not told why."""


class Application:
    """One for all listeners."""

    def __init__(self, means: Means, door: Callable[[], Door], wait_seconds: Callable[[], float]) -> None:
        """``door`` and ``wait_seconds`` are asked at every request: they may change while clients are connected."""
        self._means = means
        self._door = door
        self._wait_seconds = wait_seconds
        self._going_on: set[Exchange] = set()
        self._n_at_work = 0
        self._worked_at_seconds = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        arrival = Arrival(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            headers=tuple(scope["headers"]),
            local_address=scope["server"][0] if scope.get("server") else "",
        )
        refusal = refusal_of(arrival, self._door())
        if refusal is None and not arrival.path.startswith("/") and arrival.path != "*":
            refusal = answers.bad_request("The target of a request must be a path.")
        if refusal is not None:
            if is_last(arrival.headers, scope["http_version"]) and first(arrival.headers, b"expect") is None:
                await self._hear_out(receive)
            await _say(send, refusal.status, refusal.raw_headers, refusal.body)
        elif is_preflight(arrival):
            await _say(send, 204, preflight_headers(arrival), b"")
        elif arrival.path in HEALTH_PATHS and arrival.method in ("GET", "HEAD"):
            serving = self._means.serving
            status, headers, body = answers.health(serving.serving, serving.expected_seconds())
            await _say(send, status, [*headers, *cors_headers(arrival)], body)
        else:
            exchange = Exchange(scope, receive, send, self._means, cors_headers(arrival))
            await self._exchange(exchange, is_work=arrival.method == "POST")

    async def _hear_out(self, receive: Receive) -> None:
        """A connection that is closed while its client still sends is reset by the system, and the answer is lost with it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._means.limits.body_idle_seconds):
                while (await receive()).get("more_body", False):
                    pass

    def idle_seconds(self) -> float:
        """Since the last request that has llama-server work (a POST: whoever only reads counters is nobody who waits);
        infinite before the first. From any thread."""
        return 0.0 if self._n_at_work else monotonic() - self._worked_at_seconds

    async def _exchange(self, exchange: Exchange, *, is_work: bool) -> None:
        self._going_on.add(exchange)
        self._n_at_work += is_work
        try:
            await exchange.run(self._wait_seconds())
        finally:
            self._going_on.discard(exchange)
            if is_work:
                self._worked_at_seconds = monotonic()
                self._n_at_work -= 1

    async def end_all(self) -> None:
        """Have every request that goes on end with what can still be said."""
        for exchange in self._going_on:
            exchange.end()
        ends = asyncio.get_running_loop().time() + _LAST_WORD_SECONDS
        while self._going_on and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(0.01)


async def _say(send: Send, status: int, headers: list[Raw], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
