"""``HttpGateway``: the steady address. One thread with one event loop; the session talks to it with three calls.

uvicorn serves, httpx asks llama-server, starlette names ASGI's types: all three are small, kept up and made for this.
Rejected: aiohttp (one library for both sides, but C extensions that must be built for every platform), a hand-written proxy on
``http.server`` (threads per connection, and HTTP's corners to be found one by one), nginx or Caddy (another program
to bring to every machine).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import uvicorn

from engine.errors import ProcessFailed
from engine.gateway.admission import Door
from engine.gateway.application import Application
from engine.gateway.bounded_protocol import bounded_protocol
from engine.gateway.exchange import Means
from engine.gateway.limits import Limits
from engine.gateway.listeners import listen_on_loopback, listen_on_network, url_of
from engine.gateway.serving_now import ServingNow
from engine.vocabulary.running.api import ApiOpened, ApiPlace, Serving, ServingPhase

_CLOSING = Serving(phase=ServingPhase.NOTHING, doing="Crossply is closing.")
_JOIN_SECONDS = 10.0


@dataclass
class _Listener:
    """One socket and the server on it."""

    socket: socket.socket
    url: str
    server: uvicorn.Server | None = None
    task: asyncio.Task[None] | None = None


class HttpGateway:
    """Implements ``ports.Gateway``."""

    def __init__(
        self,
        api_key: Callable[[], str | None],
        *,
        coordinator_key: Callable[[], str | None] = lambda: None,
        remember: Callable[[int, int], None] = lambda _asked, _got: None,
        limits: Limits | None = None,
    ) -> None:
        """``api_key``: the user's, read anew at every request that needs it. ``coordinator_key``: what
        llama-server asks for. ``remember``: told which port was asked for and
        which one it became."""
        self._api_key = api_key
        self._coordinator_key = coordinator_key
        self._remember = remember
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        """Of ``open`` and ``close``, which come from several jobs."""
        self._place = ApiPlace()
        self._listeners: dict[str, _Listener] = {}
        """``here`` and ``network``."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._serving = Serving(phase=ServingPhase.NOTHING, doing="Nothing was launched yet.")
        self._now: ServingNow | None = None
        self._stop: asyncio.Event | None = None
        self._application: Application | None = None

    def open(self, place: ApiPlace) -> ApiOpened:
        """Listen; again with another place: as it says now. The port on the loopback is chosen once."""
        with self._lock:
            self._place = place
            if self._thread is None:
                self._open_here(place.port)
            self._keep_network(place.network_address)
            network = self._listeners.get("network")
            return ApiOpened(url=self._listeners["here"].url, network_url=network.url if network else None)

    def point_at(self, serving: Serving) -> None:
        """From any thread, returns at once."""
        self._serving = serving
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it closed just now
                loop.call_soon_threadsafe(self._point)

    def idle_seconds(self) -> float:
        """From any thread. Nobody can have asked before it is open."""
        return math.inf if self._application is None else self._application.idle_seconds()

    def close(self) -> None:
        """Answer what waits, end what streams, stop listening. Idempotent."""
        with self._lock:
            thread, loop, stop = self._thread, self._loop, self._stop
            if thread is None or loop is None or stop is None:
                return
            self._serving = _CLOSING
            loop.call_soon_threadsafe(stop.set)
            thread.join(_JOIN_SECONDS)
            self._thread, self._loop = None, None
            self._listeners.clear()

    # -- under the lock

    def _open_here(self, first_port: int) -> None:
        listener = listen_on_loopback(first_port)
        here = _Listener(socket=listener, url=url_of(listener))
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(here, started), name="gateway", daemon=True)
        self._thread.start()
        started.wait(_JOIN_SECONDS)
        self._listeners["here"] = here
        self._remember(first_port, listener.getsockname()[1])

    def _keep_network(self, address: str | None) -> None:
        """Open, close or leave the listener for other machines. Raises ``ProcessFailed``; it is closed then."""
        loop, application, known = self._loop, self._application, self._listeners.get("network")
        port = self._listeners["here"].socket.getsockname()[1]
        if loop is None or application is None:
            return
        if known is not None and address is not None and known.socket.getsockname()[0] == address:
            return
        if known is not None:
            del self._listeners["network"]
            asyncio.run_coroutine_threadsafe(self._end(known), loop).result(_JOIN_SECONDS)
        if address is None:
            return
        if self._api_key() is None:
            raise ProcessFailed("There is no API key, so the API is not opened on the network.", advice="Make one first.")
        listener = listen_on_network(address, port)
        found = _Listener(socket=listener, url=url_of(listener))
        asyncio.run_coroutine_threadsafe(self._serve(application, found), loop).result(_JOIN_SECONDS)
        self._listeners["network"] = found

    # -- in the loop

    def _run(self, here: _Listener, started: threading.Event) -> None:
        asyncio.run(self._main(here, started))

    async def _main(self, here: _Listener, started: threading.Event) -> None:
        limits = self._limits
        self._stop, self._now = asyncio.Event(), ServingNow(limits)
        timeout = httpx.Timeout(None, connect=limits.connect_seconds)
        # No connection is kept: each occupies a thread of llama-server's few, and the next llama-server would not know it.
        bounds = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=timeout, limits=bounds, trust_env=False) as client:
            means = Means(serving=self._now, client=client, limits=limits, key=self._coordinator_key)
            application = Application(means, self._door, lambda: self._place.wait_seconds)
            self._application = application
            self._loop = asyncio.get_running_loop()
            self._point()
            await self._serve(application, here)
            started.set()
            await self._stop.wait()
            self._now.point_at(_CLOSING)
            await asyncio.gather(*(self._end(listener) for listener in self._listeners.values()))

    def _door(self) -> Door:
        return Door(key=self._api_key(), key_on_loopback=self._place.key_on_loopback)

    def _point(self) -> None:
        if self._now is not None:
            self._now.point_at(self._serving)

    async def _serve(self, application: Application, listener: _Listener) -> None:
        config = uvicorn.Config(
            application,
            http=bounded_protocol(self._limits),
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level=logging.CRITICAL,  # whoever talks nonsense to a port must not fill our log
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            h11_max_incomplete_event_size=self._limits.head_bytes,
        )
        listener.server = uvicorn.Server(config)
        listener.task = asyncio.create_task(listener.server.serve(sockets=[listener.socket]))
        while not listener.server.started and not listener.task.done():
            await asyncio.sleep(0.005)

    async def _end(self, listener: _Listener) -> None:
        """No new connections, a moment for the answers in progress, then the end of every connection."""
        server, task = listener.server, listener.task
        if server is None or task is None:
            return
        server.should_exit = True
        done, _ = await asyncio.wait((task,), timeout=self._limits.close_seconds)
        if not done:
            if self._application is not None:
                await self._application.end_all()
            for connection in tuple(server.server_state.connections):
                connection.transport.abort()
            await task
