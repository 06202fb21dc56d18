"""Waiting for a llama-server. In a loop of the test's own, without sockets."""

import asyncio
from dataclasses import replace

import pytest

from engine.gateway.answers import Unavailable
from engine.gateway.limits import Limits
from engine.gateway.serving_now import ServingNow
from engine.vocabulary.running.api import Serving, ServingPhase

READY = Serving(phase=ServingPhase.READY, url="http://127.0.0.1:1")
LOADING = Serving(phase=ServingPhase.COMING, doing="The model is loading.", expected_seconds=2.0)


async def soon():
    for _ in range(3):
        await asyncio.sleep(0)


def test_it_begins_with_nothing():
    with pytest.raises(Unavailable):
        asyncio.run(ServingNow(Limits()).ready(10))


def test_ready_is_answered_at_once():
    async def main():
        now = ServingNow(Limits())
        now.point_at(READY)
        assert await now.ready(0) == (READY.url, now.generation)

    asyncio.run(main())


def test_who_waits_goes_on_when_it_is_there():
    async def main():
        now = ServingNow(Limits())
        now.point_at(LOADING)
        waiting = [asyncio.create_task(now.ready(60)) for _ in range(3)]
        await soon()
        assert now.n_waiting == 3
        now.point_at(replace(LOADING, expected_seconds=1.0))
        await soon()
        assert not any(task.done() for task in waiting)
        now.point_at(READY)
        assert {url for url, _ in await asyncio.gather(*waiting)} == {READY.url}
        assert now.n_waiting == 0

    asyncio.run(main())


def test_a_new_estimate_is_no_change_and_a_new_phase_is():
    async def main():
        now = ServingNow(Limits())
        now.point_at(LOADING)
        generation = now.generation
        now.point_at(replace(LOADING, expected_seconds=1.0, doing="Still loading."))
        assert now.generation == generation
        assert not await now.changed_since(generation, 0)
        now.point_at(READY)
        now.point_at(LOADING)
        assert now.generation == generation + 2
        assert await now.changed_since(generation, 0)

    asyncio.run(main())


def test_what_is_expected_comes_nearer():
    async def main():
        now = ServingNow(Limits())
        assert now.expected_seconds() is None
        now.point_at(LOADING)
        assert 1.5 < now.expected_seconds() <= 2.0
        now.point_at(replace(LOADING, expected_seconds=-5.0))
        assert now.expected_seconds() == 0.0

    asyncio.run(main())


def test_a_client_that_stops_waiting_is_not_counted_any_more():
    async def main():
        now = ServingNow(Limits(most_waiting=1))
        now.point_at(LOADING)
        task = asyncio.create_task(now.ready(60))
        await soon()
        with pytest.raises(Unavailable, match="1 requests wait"):
            await now.ready(60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert now.n_waiting == 0

    asyncio.run(main())


def test_no_longer_than_it_may():
    async def main():
        now = ServingNow(Limits())
        now.point_at(replace(LOADING, expected_seconds=None))
        with pytest.raises(Unavailable, match="The model is loading"):
            await now.ready(0.01)
        now.point_at(LOADING)
        with pytest.raises(Unavailable) as refused:
            await now.ready(1.0)
        assert refused.value.refusal.retry_after_seconds == 2

    asyncio.run(main())
