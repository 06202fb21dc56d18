"""A client's body: read, kept, sent again, and let go of when it is too large."""

import asyncio

from engine.gateway.client_body import ClientBody, ReadingEnded
from engine.gateway.limits import Limits


class Client:
    """What uvicorn hands over, one message at a time; then the client goes, or nothing more comes."""

    def __init__(self, *pieces, stalls=False, goes=False):
        self.pieces = list(pieces)
        self.stalls, self.goes = stalls, goes
        self.n_read = 0

    async def receive(self):
        if self.pieces:
            self.n_read += 1
            piece = self.pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.pieces) or self.stalls or self.goes}
        if not self.goes:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}


async def collected(body):
    return [piece async for piece in body.pieces()]


async def soon():
    for _ in range(20):
        await asyncio.sleep(0)


def reading(client, limits, work):
    """Run ``work(body)`` beside its reader."""

    async def main():
        body = ClientBody(client.receive, limits)
        task = asyncio.create_task(body.read())
        try:
            return await work(body)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return asyncio.run(main())


def test_a_kept_body_can_be_sent_twice():
    async def work(body):
        first = await collected(body)
        return first, await collected(body), body.is_kept

    assert reading(Client(b"a", b"", b"bc"), Limits(), work) == ([b"a", b"bc"], [b"a", b"bc"], True)


def test_nothing_is_nothing():
    assert reading(Client(b""), Limits(), collected) == []


def test_a_large_one_is_read_no_faster_than_it_is_sent_and_forgotten():
    client = Client(*[b"x" * 10] * 100)

    async def work(body):
        await soon()
        before = client.n_read
        sizes = [len(piece) async for piece in body.pieces()]
        return before, sum(sizes), body.is_kept, sum(map(len, body._pieces))

    before, sent, kept, left = reading(client, Limits(kept_body_bytes=25), work)
    assert before == 3, "the third piece is the one that is too much"
    assert (sent, kept) == (1000, False)
    assert left <= 10


def test_who_goes_away_is_noticed_and_who_stalls_too():
    async def ended(client, limits):
        return await ClientBody(client.receive, limits).read()

    assert asyncio.run(ended(Client(b"a", goes=True), Limits())) is ReadingEnded.GONE
    assert asyncio.run(ended(Client(goes=True), Limits())) is ReadingEnded.GONE
    assert asyncio.run(ended(Client(b"a", stalls=True), Limits(body_idle_seconds=0.01))) is ReadingEnded.STALLED


def test_a_complete_body_does_not_stall():
    async def work(body):
        await collected(body)
        await asyncio.sleep(0.05)
        return await collected(body)

    assert reading(Client(b"a"), Limits(body_idle_seconds=0.01), work) == [b"a"]


def test_what_nobody_wants_any_more_is_read_to_its_end_and_not_kept():
    client = Client(b"1234", b"5678", b"90")

    async def work(body):
        await soon()
        n_read = client.n_read
        await body.drop()
        return n_read, client.n_read, await collected(body)

    assert reading(client, Limits(kept_body_bytes=3), work) == (1, 3, [])


def test_nor_waited_for_for_ever():
    async def work(body):
        await body.drop()

    reading(Client(b"1234", stalls=True), Limits(body_idle_seconds=0.05), work)
