"""uvicorn's HTTP/1.1 protocol with what it has no option for: a time limit for a request's head, a limit of connections that
answers, and refusals in OpenAI's format."""

from __future__ import annotations

import asyncio
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
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.most_connections:
            self._refuse(unavailable("Too many connections."))
        else:
            self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._forget_head()
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
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _write(self, event: h11.Event) -> None:
        self.transport.write(self.conn.send(event) or b"")
