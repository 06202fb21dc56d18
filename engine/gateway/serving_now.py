"""What stands behind the API now, as the requests see it: they wait here. Everything happens in the gateway's loop."""

from __future__ import annotations

import asyncio

from engine.gateway.answers import Unavailable, not_serving, unavailable
from engine.gateway.limits import Limits
from engine.vocabulary.running.api import Serving, ServingPhase


class ServingNow:
    """The newest ``Serving``, and everybody who waits for another one."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._serving = Serving(phase=ServingPhase.NOTHING)
        self._expected_at: float | None = None
        self._changed = asyncio.Event()
        self.generation = 0
        """Counts up with every change of what stands there, not with every new estimate of when it will."""
        self.n_waiting = 0

    @property
    def serving(self) -> Serving:
        """The newest."""
        return self._serving

    def point_at(self, serving: Serving) -> None:
        """From now on it is this."""
        before, self._serving = self._serving, serving
        now = asyncio.get_running_loop().time()
        self._expected_at = None if serving.expected_seconds is None else now + serving.expected_seconds
        if (before.phase, before.url) != (serving.phase, serving.url):
            self.generation += 1
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    def expected_seconds(self) -> float | None:
        """From now until it is ready, as far as that is known."""
        if self._expected_at is None:
            return None
        return max(0.0, self._expected_at - asyncio.get_running_loop().time())

    async def ready(self, wait_seconds: float) -> tuple[str, int]:
        """The URL of llama-server and the generation it belongs to, now or when it is there.

        Raises ``Unavailable`` at once when nothing will come, when it will not come in time, and when too many wait; else when
        the time is over.
        """
        if self._phase() is ServingPhase.COMING:
            await self._come(wait_seconds)
        if self._phase() is ServingPhase.READY:
            return self._serving.url, self.generation
        raise Unavailable(not_serving(self._serving, self.expected_seconds()))

    def _phase(self) -> ServingPhase:
        return self._serving.phase

    async def _come(self, wait_seconds: float) -> None:
        """Until something else than "coming" is known, or the time is over."""
        left = self.expected_seconds()
        if left is not None and left > wait_seconds:
            raise Unavailable(not_serving(self._serving, left))
        if self.n_waiting >= self._limits.most_waiting:
            raise Unavailable(unavailable(f"{self.n_waiting} requests wait for the model already.", left))
        self.n_waiting += 1
        try:
            async with asyncio.timeout(wait_seconds):
                while self._phase() is ServingPhase.COMING:
                    await self._changed.wait()
        except TimeoutError:
            pass  # it is still coming: the caller sees that
        finally:
            self.n_waiting -= 1

    async def changed_since(self, generation: int, seconds: float) -> bool:
        """Wait until something else stands there than at ``generation``. Returns whether it does."""
        try:
            async with asyncio.timeout(seconds):
                while self.generation == generation:
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True
