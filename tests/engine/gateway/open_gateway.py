"""A real gateway for the tests of its parts: open on a free port, closed at the end."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace

from engine.gateway.http_gateway import HttpGateway
from engine.gateway.limits import Limits
from engine.vocabulary.running.api import ApiOpened, ApiPlace, Serving, ServingPhase

LOADING = Serving(phase=ServingPhase.COMING, doing="The model is loading.")
STOPPED = Serving(phase=ServingPhase.NOTHING, doing="No model is being served: it is stopped.")
QUICK = Limits(notice_seconds=1.0, close_seconds=0.3, head_seconds=0.5, body_idle_seconds=0.5)


def at(server: object) -> Serving:
    """Ready there."""
    return Serving(phase=ServingPhase.READY, url=server.url)  # type: ignore[attr-defined]


def free_port() -> int:
    """One that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class OpenGateway(HttpGateway):
    """With its key and its address at hand."""

    def __init__(self, limits: Limits = QUICK, key: str | None = None) -> None:
        self.key = key
        super().__init__(lambda: self.key, limits=limits)
        self.opened = ApiOpened(url="")

    @property
    def url(self) -> str:
        """On this machine."""
        return self.opened.url


@contextlib.contextmanager
def open_gateway(place: ApiPlace | None = None, *, limits: Limits = QUICK, key: str | None = None) -> Iterator[OpenGateway]:
    """One that is closed at the end of the block."""
    gateway = OpenGateway(limits, key)
    try:
        gateway.opened = gateway.open(place or replace(ApiPlace(wait_seconds=5.0), port=free_port()))
        yield gateway
    finally:
        gateway.close()
