"""One request from its arrival to its answer: waits for llama-server, passes both ways, survives its death once.

A request whose answer has not begun is sent once more to the next llama-server. That is safe for all that llama-server offers:
a completion, an embedding or a tokenization leaves nothing behind but a prompt cache that died with the process. (What does
change something, saving a slot to a file, gives the same file the second time.) An answer that has begun cannot be taken back:
a stream of events then ends with an error event, anything else with the end of its connection.

Events are passed on whole, each at once: half an event before the error would be JSON that no client can read. llama-server
writes an event in one piece, so nothing waits for that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from starlette.types import Message, Receive, Scope, Send

from engine.gateway.answers import Refusal, Unavailable, bad_request, too_slow, unavailable
from engine.gateway.client_body import ClientBody, ReadingEnded
from engine.gateway.limits import Limits
from engine.gateway.passed_headers import Raw, first, has_body, is_last, to_client, to_llama_server
from engine.gateway.serving_now import ServingNow

logger = logging.getLogger(__name__)

_DIED = "llama-server ended while it worked on this request."
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n")
_NEVER_THERE = (httpx.ConnectError, httpx.ConnectTimeout)


class _TakesNothing(Exception):
    """The client does not read what it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all exchanges share."""

    serving: ServingNow
    client: httpx.AsyncClient
    limits: Limits
    key: Callable[[], str | None] = lambda: None
    """What llama-server asks for."""


class Exchange:
    """One request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, means: Means, added_headers: list[Raw]) -> None:
        """``added_headers`` go with every answer."""
        self._scope = scope
        self._send = send
        self._means = means
        self._added = added_headers
        self._body = ClientBody(receive, means.limits)
        self._begun = False
        """Something of the answer was sent."""
        self._streams_events = False
        self._ended = asyncio.Event()

    async def run(self, wait_seconds: float) -> None:
        """Answer. A client that goes away ends it at once, and with it llama-server's work on it."""
        answering = asyncio.create_task(self._answer(wait_seconds))
        reading = asyncio.create_task(self._body.read())
        ending = asyncio.create_task(self._ended.wait())
        tasks = (answering, reading, ending)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished = answering.done()
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        bug = next((end for end in ends if isinstance(end, Exception)), None)
        if bug is not None:
            logger.error("the gateway has a bug", exc_info=bug)
            await self._refuse(Refusal(status=500, message="Crossply has a bug.", type="server_error", code="internal_error"))
        elif not finished and self._ended.is_set():
            await self._refuse(unavailable("Crossply is closing."))
        elif not finished and ends[1] is ReadingEnded.STALLED:
            await self._refuse(too_slow("The body of the request did not arrive in time."))

    def end(self) -> None:
        """The gateway closes: no further waiting."""
        self._ended.set()

    async def _answer(self, wait_seconds: float) -> None:
        limits, n_lost = self._means.limits, 0
        for _ in range(limits.most_tries):
            try:
                url, generation = await self._means.serving.ready(wait_seconds)
            except Unavailable as why:
                await self._refuse_when_heard(why.refusal)
                return
            try:
                await self._ask(url)
                return
            except _TakesNothing:
                return  # there is nobody to tell; llama-server is free again
            except httpx.LocalProtocolError as error:
                await self._refuse_when_heard(bad_request(f"This request cannot be passed on: {error}."))
                return
            except httpx.TransportError as error:
                n_lost += not isinstance(error, _NEVER_THERE)
            may_try_again = not self._begun and n_lost < 2 and self._body.is_kept
            if not may_try_again or not await self._means.serving.changed_since(generation, limits.notice_seconds):
                break
        await self._refuse_when_heard(unavailable(_DIED, self._means.serving.expected_seconds()))

    async def _ask(self, url: str) -> None:
        """Send it and pass the answer on. Raises ``httpx.TransportError`` when llama-server goes away."""
        scope, target = self._scope, self._scope["raw_path"]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        request = httpx.Request(
            scope["method"],
            url,
            headers=to_llama_server(scope["headers"], httpx.URL(url).netloc.decode(), self._means.key()),
            content=self._body.pieces() if has_body(scope["headers"]) else None,
            # as the client wrote it: nothing is decoded, normalized or encoded on the way
            extensions={"target": target, "timeout": self._means.client.timeout.as_dict()},
        )
        async with _closing(await self._means.client.send(request, stream=True)) as response:
            await self._pass_on(response)

    async def _pass_on(self, response: httpx.Response) -> None:
        headers = to_client(response.headers.raw)
        length = first(headers, b"content-length")
        encoded = first(headers, b"content-encoding") is not None
        kind = (first(headers, b"content-type") or "").partition(";")[0].strip().lower()
        if kind == "text/event-stream" and not encoded:
            self._streams_events = True
            pieces = _whole_events(response.aiter_raw(), self._means.limits.whole_answer_bytes)
        elif length is not None and length.isdecimal() and int(length) <= self._means.limits.whole_answer_bytes:
            pieces = _in_one(response.aiter_raw())
        else:
            pieces = response.aiter_raw()
        async for piece in pieces:
            await self._begin(response.status_code, headers)
            await self._hand_over(piece)
        await self._begin(response.status_code, headers)
        await self._send(_piece(b"", more=False))

    async def _begin(self, status: int, headers: list[Raw]) -> None:
        """Only with the first piece of the answer: until then it may still come from another llama-server."""
        if not self._begun:
            self._begun = True
            await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self._added]})

    async def _hand_over(self, piece: bytes) -> None:
        """A client that takes nothing must not keep llama-server's slot for ever."""
        try:
            async with asyncio.timeout(self._means.limits.body_idle_seconds):
                await self._send(_piece(piece, more=True))
        except TimeoutError:
            raise _TakesNothing from None

    async def _refuse_when_heard(self, refusal: Refusal) -> None:
        """A connection that is closed while its client still sends is reset by the system, and the answer is lost with it."""
        if not self._begun and is_last(self._scope["headers"], self._scope["http_version"]):
            await self._body.drop()
        await self._refuse(refusal)

    async def _refuse(self, refusal: Refusal) -> None:
        """Say so in the way that is left: as the answer, as the last event of a stream, or by the end of the connection."""
        if not self._begun:
            await self._begin(refusal.status, refusal.raw_headers)
            await self._send(_piece(refusal.body, more=False))
        elif self._streams_events:
            await self._send(_piece(refusal.event, more=False))


@asynccontextmanager
async def _closing(response: httpx.Response) -> AsyncIterator[httpx.Response]:
    try:
        yield response
    finally:
        await response.aclose()


def _piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _in_one(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b"".join([piece async for piece in pieces])


async def _whole_events(pieces: AsyncIterator[bytes], most_bytes: int) -> AsyncIterator[bytes]:
    """The same bytes, cut where an event ends. An event that is longer than any may be passes as it comes."""
    rest = b""
    async for piece in pieces:
        rest += piece
        end = max(rest.rfind(mark) + len(mark) if mark in rest else 0 for mark in _EVENT_ENDS)
        if end == 0 and len(rest) > most_bytes:
            end = len(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest
