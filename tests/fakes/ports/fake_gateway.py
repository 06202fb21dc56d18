"""A ``Gateway`` without sockets. It remembers what it was told."""

from __future__ import annotations

import math
from pathlib import Path

from engine.errors import EngineError, ProcessFailed
from engine.vocabulary.running.api import ApiOpened, ApiPlace, Serving


class FakeGateway:
    """``taken`` ports are not free. ``fails``: the sentence with which the network part is refused."""

    def __init__(self) -> None:
        self.taken: set[int] = set()
        self.fails: str | None = None
        self.places: list[ApiPlace] = []
        self.told: list[Serving] = []
        self.port: int | None = None
        self.n_closed = 0
        self.idle = math.inf

    def open(self, place: ApiPlace) -> ApiOpened:
        self.places.append(place)
        if self.port is None:
            self.port = self._free_from(place.port)
        if place.network_address is not None and self.fails is not None:
            raise ProcessFailed(self.fails, advice="Name another one.")
        network = None if place.network_address is None else f"http://{place.network_address}:{self.port}"
        return ApiOpened(url=f"http://127.0.0.1:{self.port}", network_url=network)

    def point_at(self, serving: Serving) -> None:
        self.told.append(serving)

    def idle_seconds(self) -> float:
        return self.idle

    def close(self) -> None:
        self.n_closed += 1
        self.port = None

    def _free_from(self, first: int) -> int:
        for port in range(first, 65536):
            if port not in self.taken:
                return port
        raise no_port(first)


class FakeApiKeys:
    """An ``ApiKeys`` in memory."""

    def __init__(self) -> None:
        self.path = Path("/fake/state/api-key")
        self.key: str | None = None
        self.n_made = 0

    def load(self) -> str | None:
        return self.key

    def make(self) -> str:
        self.n_made += 1
        self.key = f"sk-fake-{self.n_made}"
        return self.key


def no_port(first: int) -> EngineError:
    """As the real one says it."""
    return ProcessFailed(f"None of the ports from {first} up is free.", advice="Stop what listens there.")
