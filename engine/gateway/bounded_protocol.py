"""uvicorn's HTTP/1.1 protocol with what it has no option for: a time limit for a request's head, for the rest of a body that
was answered already and for a client that takes nothing, a limit of connections that answers, and refusals in OpenAI's format.

Each of these times is needed: whoever has no key gets a refusal, and could else keep its connection for ever by not going on.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from engine.gateway.answers import Refusal, bad_request, too_slow, unavailable
from engine.gateway.limits import Limits

_LINGER_SECONDS = 1.0


def bounded_protocol(limits: Limits) -> type[asyncio.Protocol]:
    """What uvicorn makes a connection with."""

    class Bounded(BoundedProtocol):
        """Under these limits."""

        bounds = limits

    return Bounded


class BoundedProtocol(H11Protocol):
    """One connection."""

    bounds = Limits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timer: asyncio.TimerHandle | None = None
        self._rest_timer: asyncio.TimerHandle | None = None
        self._taking_timer: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # ``pause_writing`` for the first byte that the client does not take
        if len(self.connections) > self.bounds.most_connections:
            self._refuse(unavailable("Too many connections."))
        else:
            self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._forget_head()
        self._forget_rest()
        self._forget_taking()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        if self._refused or self.transport.is_closing():
            return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self._refused and not self.transport.is_closing():
            self._watch_head()
        else:
            self._forget_head()
        if self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE:
            self._watch_rest()
        else:
            self._forget_rest()

    def pause_writing(self) -> None:
        """The client does not take what it is sent as fast as it comes."""
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        """It has taken all."""
        self._forget_taking()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """It does not speak HTTP, or says too much before it asks."""
        self._refuse(bad_request(msg))

    def _watch_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.bounds.head_seconds, self._head_is_late)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _watch_rest(self) -> None:
        """Of a body that nobody waits for any more. The time is for all of it, not for the next byte."""
        if self._rest_timer is None:
            self._rest_timer = self.loop.call_later(self.bounds.body_idle_seconds, self.transport.close)

    def _forget_rest(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _watch_taking(self) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        self._taking_timer = self.loop.call_later(self.bounds.body_idle_seconds, self._judge_taking, left_bytes)

    def _judge_taking(self, left_bytes: int) -> None:
        """Also of a connection that is closing: it is there until the last byte is taken."""
        if self.transport.get_write_buffer_size() < left_bytes:
            self._watch_taking()
        else:
            self.transport.abort()

    def _forget_taking(self) -> None:
        if self._taking_timer is not None:
            self._taking_timer.cancel()
            self._taking_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        self._refuse(too_slow("The head of the request did not arrive in time."))

    def _refuse(self, refusal: Refusal) -> None:
        """The last word on this connection. Where an answer has begun there is nothing that could be said."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._forget_head()
        may_speak = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        if may_speak:
            headers = [*refusal.raw_headers, (b"connection", b"close")]
            self._write(h11.Response(status_code=refusal.status, headers=headers))
            self._write(h11.Data(data=refusal.body))
            self._write(h11.EndOfMessage())
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if may_speak:
            self._close_when_heard()
        else:
            self.transport.close()

    def _close_when_heard(self) -> None:
        """Closed at once, what the client still sends would have the system reset the connection, and take our answer back."""
        with contextlib.suppress(OSError):  # it has gone already
            self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _write(self, event: h11.Event) -> None:
        self.transport.write(self.conn.send(event) or b"")
