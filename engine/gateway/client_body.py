"""The body of a client's request: passed on while it arrives, kept to be sent once more, and the place where a client that
goes away is noticed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum

from starlette.types import Receive

from engine.gateway.limits import Limits


class ReadingEnded(StrEnum):
    """Why nothing more is read from a client."""

    GONE = "gone"
    """It closed the connection, or only its half of it: the two cannot be told apart."""
    STALLED = "stalled"
    """It began a body and does not go on with it."""


class ClientBody:
    """One request's body. ``read`` runs beside whoever answers; ``pieces`` is what is sent on."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._pieces: list[bytes] = []
        self._size = 0
        self._n_taken = 0
        self._complete = False
        self._dropped = False
        self._moved = asyncio.Event()

    @property
    def is_kept(self) -> bool:
        """Whether all that came so far is there to be sent again."""
        return self._size <= self._limits.kept_body_bytes

    async def read(self) -> ReadingEnded:
        """Read until the client has gone or stalls. A body that is too large to keep is read no faster than it is sent on."""
        while True:
            while not self._dropped and not self.is_kept and self._n_taken < len(self._pieces):
                await self._next_move()
            try:
                async with asyncio.timeout(None if self._complete else self._limits.body_idle_seconds):
                    message = await self._receive()
            except TimeoutError:
                return ReadingEnded.STALLED
            if message["type"] == "http.disconnect":
                return ReadingEnded.GONE
            self._take(message.get("body", b""), complete=not message.get("more_body", False))

    def _take(self, piece: bytes, *, complete: bool) -> None:
        if piece and not self._dropped:
            self._pieces.append(piece)
            self._size += len(piece)
        self._complete = self._complete or complete
        self._move()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body from its beginning. A second time only while ``is_kept``."""
        index = 0
        while True:
            while index < len(self._pieces):
                piece = self._pieces[index]
                yield piece
                index += 1
                self._n_taken = max(self._n_taken, index)
                if not self.is_kept:
                    self._pieces[:index] = [b""] * index
                self._move()
            if self._complete:
                return
            await self._next_move()

    async def drop(self) -> None:
        """Nobody wants it any more. Returns when all of it came, or not in time; ``read`` goes on meanwhile."""
        self._dropped = True
        self._pieces.clear()
        self._move()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.body_idle_seconds):
                while not self._complete:
                    await self._next_move()

    def _move(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _next_move(self) -> None:
        await self._moved.wait()
