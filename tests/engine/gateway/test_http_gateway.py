"""The gateway as a whole: who reaches it, where, and with what key; what it remembers."""

import threading
import time

import pytest

from engine.errors import ProcessFailed
from engine.gateway.http_gateway import HttpGateway
from engine.vocabulary.running.api import ApiPlace, Serving, ServingPhase
from tests.engine.gateway.open_gateway import LOADING, at, free_port, open_gateway
from tests.fakes.llama_cpp.scripted_llama_server import scripted_llama_server
from tests.fakes.raw_client import RawClient, get

KEY = "sk-crossply-x"
BEARER = f"Authorization: Bearer {KEY}"
ELSEWHERE = "127.0.0.9"
"""Stands for another address of this machine. It is of the loopback, so the rules for others do not come from the address
alone: see test_admission for those."""


@pytest.fixture
def server():
    with scripted_llama_server() as started:
        yield started


def test_it_is_remembered_which_port_it_became(server):
    told = []
    with open_gateway() as other:
        port = int(other.url.rpartition(":")[2])
        gateway = HttpGateway(lambda: None, remember=lambda asked, got: told.append((asked, got)))
        try:
            gateway.open(ApiPlace(port=port))
            gateway.open(ApiPlace(port=port))
        finally:
            gateway.close()
    ((asked, got),) = told
    assert asked == port
    assert got > port


def test_without_a_key_nothing_is_opened_on_the_network():
    with open_gateway() as gateway:
        with pytest.raises(ProcessFailed, match="no API key"):
            gateway.open(ApiPlace(network_address=ELSEWHERE))
        gateway.key = KEY
        assert gateway.open(ApiPlace(network_address=ELSEWHERE)).network_url is not None


def test_a_key_that_is_replaced_counts_at_once(server):
    with open_gateway(ApiPlace(port=free_port(), key_on_loopback=True), key="old") as gateway:
        gateway.point_at(at(server))
        assert get(gateway.url, "/x", BEARER).status == 401
        gateway.key = KEY
        assert get(gateway.url, "/x", BEARER).status == 200
        assert get(gateway.url, "/x", "Authorization: Bearer old").status == 401
        gateway.open(ApiPlace(key_on_loopback=False))
        assert get(gateway.url, "/x").status == 200
    assert [asked.header("authorization") for asked in server.asked] == [[], []], "it goes no further than here"


def test_closing_the_network_leaves_who_is_connected_here(server):
    with open_gateway(key=KEY) as gateway:
        gateway.point_at(at(server))
        opened = gateway.open(ApiPlace(network_address=ELSEWHERE))
        with RawClient(gateway.url) as client:
            client.ask("GET", "/x")
            assert client.hear().status == 200
            gateway.open(ApiPlace())
            with pytest.raises(ConnectionRefusedError):
                get(opened.network_url)
            client.ask("GET", "/x")
            assert client.hear().status == 200


def test_pages_of_strangers_are_refused_and_pages_with_the_key_may_read(server):
    with open_gateway(key=KEY) as gateway:
        gateway.point_at(at(server))
        refused = get(gateway.url, "/x", "Origin: http://evil.example")
        assert (refused.status, refused.error["code"]) == (403, "origin_not_allowed")
        assert get(gateway.url, "/x", "Host: evil.example").status == 403
        heard = get(gateway.url, "/x", "Origin: http://app.example", BEARER)
        assert (heard.status, heard.headers["access-control-allow-origin"]) == (200, "http://app.example")
        with RawClient(gateway.url) as client:
            client.ask("OPTIONS", "/x", None, "Origin: http://app.example", "Access-Control-Request-Method: POST")
            assert client.hear().status == 204
    assert len(server.asked) == 1


def test_health_is_the_gateways_own_and_comes_at_once(server):
    server.kill()
    with open_gateway() as gateway:
        gateway.point_at(at(server))
        assert get(gateway.url, "/health").status == 200
        gateway.point_at(Serving(phase=ServingPhase.COMING, doing="The workers are starting."))
        for path in ("/health", "/v1/health"):
            heard = get(gateway.url, path)
            assert (heard.status, heard.error["message"]) == (503, "The workers are starting.")


def test_nothing_listens_and_no_thread_is_left_when_it_is_closed():
    with open_gateway() as gateway:
        url = gateway.url
        assert "gateway" in {thread.name for thread in threading.enumerate()}
    assert "gateway" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        get(url)


def test_somebody_asks_from_the_first_byte_to_the_last(server):
    with open_gateway() as gateway:
        gateway.point_at(LOADING)
        with RawClient(gateway.url) as client:
            client.ask("POST", "/v1/completions", b"{}")
            deadline = time.monotonic() + 5
            while gateway.idle_seconds() > 0 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert gateway.idle_seconds() == 0.0, "it waits for llama-server"
            gateway.point_at(at(server))
            assert client.hear().status == 200
        time.sleep(0.2)
        idle = gateway.idle_seconds()
        assert 0.1 < idle < 10
        assert get(gateway.url, "/metrics").status == 200
        assert gateway.idle_seconds() >= idle, "who reads counters waits for nothing"
