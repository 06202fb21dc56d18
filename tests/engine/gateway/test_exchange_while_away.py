"""A request while llama-server is away: what waits, what is sent again, what is told. Real sockets on both sides."""

import time
from dataclasses import replace

import pytest

from engine.vocabulary.api import ApiPlace
from tests.engine.gateway.open_gateway import LOADING, QUICK, STOPPED, at, open_gateway
from tests.fakes.raw_client import RawClient, post
from tests.fakes.scripted_llama_server import scripted_llama_server

ODD_TARGET = "/a%2Fb/../c%20d;x=1?q=%3F&empty=&q=2&plus=a+b"


@pytest.fixture
def gateway():
    with open_gateway() as opened:
        yield opened


@pytest.fixture
def server():
    with scripted_llama_server() as started:
        yield started


# -- waiting


def test_requests_wait_while_llama_server_is_on_its_way_and_are_then_sent(gateway, server):
    gateway.point_at(LOADING)
    with RawClient(gateway.url) as first, RawClient(gateway.url) as second:
        first.ask("POST", "/completion", b'{"n":1}')
        second.ask("GET", "/v1/models")
        time.sleep(0.2)
        assert server.asked == []
        gateway.point_at(at(server))
        assert (first.hear().status, second.hear().status) == (200, 200)
    assert sorted(asked.body for asked in server.asked) == [b"", b'{"n":1}']


def test_nothing_to_wait_for_is_said_at_once(gateway):
    gateway.point_at(STOPPED)
    heard = post(gateway.url)
    assert (heard.status, heard.headers["retry-after"]) == (503, "30")
    assert heard.headers["content-type"] == "application/json"
    assert heard.error == {"message": STOPPED.doing, "type": "server_error", "code": "service_unavailable"}


def test_before_the_first_launch_too():
    with open_gateway() as gateway:
        assert post(gateway.url).error["message"] == "Nothing was launched yet."


def test_a_wait_that_would_be_too_long_is_not_begun(gateway):
    gateway.point_at(replace(LOADING, expected_seconds=400.0))
    began = time.monotonic()
    heard = post(gateway.url)
    assert time.monotonic() - began < 2
    assert heard.status == 503
    assert 395 <= int(heard.headers["retry-after"]) <= 400


def test_a_wait_that_became_too_long_ends_with_503(gateway):
    gateway.open(ApiPlace(port=1, wait_seconds=0.2))
    gateway.point_at(LOADING)
    heard = post(gateway.url)
    assert (heard.status, heard.headers["retry-after"]) == (503, "5")
    assert heard.error["message"] == "The model is loading."


def test_who_waits_hears_that_nothing_will_come(gateway):
    gateway.point_at(LOADING)
    with RawClient(gateway.url) as client:
        client.ask("POST", "/completion", b"{}")
        time.sleep(0.1)
        gateway.point_at(STOPPED)
        heard = client.hear()
    assert (heard.status, heard.error["message"]) == (503, STOPPED.doing)


def test_so_many_may_wait_and_no_more(server):
    with open_gateway(limits=replace(QUICK, most_waiting=2)) as gateway:
        gateway.point_at(LOADING)
        clients = [RawClient(gateway.url) for _ in range(3)]
        for client in clients:
            client.ask("POST", "/completion", b"{}")
            time.sleep(0.1)
        heard = clients[2].hear()
        assert (heard.status, heard.error["message"]) == (503, "2 requests wait for the model already.")
        gateway.point_at(at(server))
        assert [client.hear().status for client in clients[:2]] == [200, 200]
        for client in clients:
            client.socket.close()
