"""The ASGI application by itself: what it answers without asking llama-server."""

import asyncio

import httpx
import pytest

from engine.gateway.admission import Door
from engine.gateway.application import Application
from engine.gateway.exchange import Means
from engine.gateway.limits import Limits
from engine.gateway.serving_now import ServingNow


def answered(method, path, *headers, server=("127.0.0.1", 8080), key=None):
    sent, messages = [], [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        while not messages:
            await asyncio.sleep(1)
        return messages.pop()

    async def send(message):
        sent.append(message)

    async def main():
        async with httpx.AsyncClient() as client:
            means = Means(serving=ServingNow(Limits()), client=client, limits=Limits())
            application = Application(means, lambda: Door(key=key), lambda: 0.0)
            scope = {
                "type": "http",
                "http_version": "1.1",
                "method": method,
                "raw_path": path,
                "query_string": b"",
                "server": server,
            }
            await application({**scope, "headers": [(b"host", b"localhost"), *headers]}, receive, send)
            await application.end_all()

    asyncio.run(main())
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health(method):
    status, headers, body = answered(method, b"/health")
    assert (status, b'"state": "nothing"' in body) == (503, True)
    assert headers[b"retry-after"] == b"30"


def test_anything_else_is_told_that_nothing_is_there():
    assert answered("GET", b"/v1/models")[0] == 503
    assert answered("POST", b"/health")[0] == 503
    assert answered("OPTIONS", b"*")[0] == 503


def test_a_target_that_is_no_path():
    assert answered("GET", b"http://evil.example/x")[0] == 400
    assert answered("CONNECT", b"evil.example:443")[0] == 400


def test_where_it_came_in_decides_and_not_knowing_counts_as_outside():
    assert answered("GET", b"/v1/models", server=("10.0.0.7", 8080))[0] == 401
    assert answered("GET", b"/v1/models", server=None)[0] == 401
    assert answered("GET", b"/v1/models", (b"authorization", b"Bearer k"), server=("10.0.0.7", 8080), key="k")[0] == 503


def test_a_page_that_may_ask_is_told_what_it_may_send():
    page = ((b"origin", b"http://app.example"), (b"access-control-request-method", b"POST"))
    status, headers, body = answered("OPTIONS", b"/v1/models", *page, key="k")
    assert (status, body, headers[b"access-control-allow-origin"]) == (204, b"", b"http://app.example")


@pytest.mark.parametrize("expect", [(), ((b"expect", b"100-continue"),)], ids=["sends", "asks first"])
def test_who_closes_after_it_is_heard_to_the_end_before_a_refusal(expect):
    """Unless it asks whether it is worth sending."""
    messages = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.request", "body": b"y"}]
    order = []

    async def receive():
        order.append("heard")
        return messages.pop(0)

    async def send(message):
        order.append(message["type"])

    async def main():
        async with httpx.AsyncClient() as client:
            means = Means(serving=ServingNow(Limits()), client=client, limits=Limits())
            application = Application(means, lambda: Door(key=None), lambda: 0.0)
            headers = [(b"host", b"evil.example"), (b"connection", b"close"), *expect]
            scope = {"type": "http", "http_version": "1.1", "method": "POST", "raw_path": b"/x", "query_string": b""}
            await application({**scope, "server": ("127.0.0.1", 8080), "headers": headers}, receive, send)

    asyncio.run(main())
    assert order == [*([] if expect else ["heard", "heard"]), "http.response.start", "http.response.body"]
