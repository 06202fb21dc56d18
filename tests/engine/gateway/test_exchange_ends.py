"""Requests whose llama-server dies, and the end of the gateway itself: every client hears of it."""

import contextlib
import threading
import time
from dataclasses import replace

import pytest

from engine.gateway.limits import MIB, Limits
from engine.vocabulary.running.api import ApiPlace, Serving, ServingPhase
from tests.engine.gateway.open_gateway import LOADING, QUICK, STOPPED, at, free_port, open_gateway
from tests.fakes.llama_cpp.scripted_llama_server import scripted_llama_server
from tests.fakes.raw_client import RawClient, eventually, get, post


@pytest.fixture
def gateway():
    with open_gateway() as opened:
        yield opened


@pytest.fixture
def server():
    with scripted_llama_server() as started:
        yield started


def dies(asked):
    """The process is gone before it said anything."""
    asked.connection.close()


# -- death


def test_a_request_without_an_answer_is_sent_once_more_to_the_next_llama_server(gateway):
    with scripted_llama_server(dies) as first, scripted_llama_server() as second:
        gateway.point_at(at(first))
        with RawClient(gateway.url) as client:
            client.ask("POST", "/completion", b'{"prompt":"x"}')
            eventually(lambda: first.asked)
            gateway.point_at(LOADING)
            time.sleep(0.1)
            gateway.point_at(at(second))
            assert client.hear().status == 200
    assert [asked.body for asked in (*first.asked, *second.asked)] == [b'{"prompt":"x"}'] * 2


def test_and_not_a_third_time(gateway):
    with scripted_llama_server(dies) as first, scripted_llama_server(dies) as second:
        gateway.point_at(at(first))
        with RawClient(gateway.url) as client:
            client.ask("POST", "/completion", b"{}")
            eventually(lambda: first.asked)
            gateway.point_at(at(second))
            heard = client.hear()
    assert (heard.status, "retry-after" in heard.headers) == (503, True)
    assert "llama-server ended" in heard.error["message"]
    assert len(second.asked) == 1


def test_a_death_that_nothing_follows_is_503(gateway):
    with scripted_llama_server(dies) as server:
        gateway.point_at(at(server))
        with RawClient(gateway.url) as client:
            client.ask("POST", "/completion", b"{}")
            eventually(lambda: server.asked)
            gateway.point_at(STOPPED)
            heard = client.hear()
    assert (heard.status, heard.error["message"]) == (503, STOPPED.doing)


def test_a_death_that_nobody_noticed_is_503_too(gateway, server):
    server.kill()
    gateway.point_at(at(server))
    heard = post(gateway.url)
    assert (heard.status, "retry-after" in heard.headers) == (503, True)


def test_half_an_answer_of_a_known_size_is_not_begun_and_sent_again(gateway):
    def half(asked):
        asked.say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")

    with scripted_llama_server(half) as first, scripted_llama_server() as second:
        gateway.point_at(at(first))
        with RawClient(gateway.url) as client:
            client.ask("POST", "/completion", b"{}")
            eventually(lambda: first.asked)
            gateway.point_at(at(second))
            heard = client.hear()
    assert (heard.status, heard.body, heard.complete) == (200, b'{"ok":true}', True)


def test_a_body_that_was_not_kept_is_not_sent_again():
    with (
        open_gateway(limits=replace(QUICK, kept_body_bytes=1000)) as gateway,
        scripted_llama_server(dies) as first,
        scripted_llama_server() as second,
    ):
        gateway.point_at(at(first))
        with RawClient(gateway.url) as client:
            client.ask("POST", "/completion", b"x" * 10_000)
            eventually(lambda: first.asked)
            gateway.point_at(at(second))
            assert client.hear().status == 503
        assert second.asked == []


def test_fifty_requests_while_llama_server_restarts_are_all_answered(gateway):
    heard = []

    def ask():
        heard.append(post(gateway.url, "/completion", b'{"prompt":"x"}'))

    def slow(asked):
        time.sleep(0.05)
        asked.answer("{}")

    with scripted_llama_server(slow) as first, scripted_llama_server(slow) as second:
        gateway.point_at(at(first))
        threads = [threading.Thread(target=ask) for _ in range(50)]
        for index, thread in enumerate(threads):
            thread.start()
            time.sleep(0.005)
            if index == 20:
                first.kill()
            if index == 25:
                gateway.point_at(LOADING)
            if index == 45:
                gateway.point_at(at(second))
        for thread in threads:
            thread.join()
    assert [answer.status for answer in heard] == [200] * 50
    assert all(answer.complete for answer in heard)


# -- the end


def test_closing_answers_who_waits_and_ends_streams_with_an_error(server):
    def script(asked):
        asked.begin_events()
        asked.chunk("data: 0\n\n")
        asked.wait_gone()

    server.script = script
    with open_gateway() as gateway, RawClient(gateway.url) as waiting, RawClient(gateway.url) as streaming:
        gateway.point_at(at(server))
        streaming.ask("POST", "/completion", b"{}")
        streaming.head()
        gateway.point_at(LOADING)
        waiting.ask("POST", "/completion", b"{}")
        time.sleep(0.1)
        gateway.close()
        heard = waiting.hear()
        assert (heard.status, heard.error["message"]) == (503, "Crossply is closing.")
        assert streaming.chunk() == b"data: 0\n\n"
        assert b"Crossply is closing." in streaming.chunk()
        assert streaming.chunk() == b""


def test_a_body_that_never_ends_is_408(gateway, server):
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask("POST", "/completion", b"{", "Content-Length: 100")
        heard = client.hear()
    assert (heard.status, heard.error["code"]) == (408, "request_timeout")


def test_a_bug_is_logged_and_answered(gateway, server, caplog, monkeypatch):
    monkeypatch.setattr("engine.gateway.exchange.has_body", lambda _headers: 1 / 0)
    gateway.point_at(at(server))
    heard = post(gateway.url)
    assert (heard.status, heard.error["code"]) == (500, "internal_error")
    assert "the gateway has a bug" in caplog.text


def test_the_port_of_the_place_counts_once_and_the_rest_always():
    with open_gateway(ApiPlace(port=free_port(), wait_seconds=30), limits=Limits(close_seconds=0.2)) as gateway:
        again = gateway.open(ApiPlace(port=free_port(), wait_seconds=0.0))
        assert again == gateway.opened
        gateway.point_at(Serving(phase=ServingPhase.COMING))
        assert get(gateway.url).status == 503


def test_a_client_that_takes_nothing_does_not_keep_llama_server_busy(gateway, server):
    went = threading.Event()

    def script(asked):
        asked.begin_events()
        with contextlib.suppress(OSError):
            while True:
                asked.chunk("data: " + "x" * 60_000 + "\n\n")
        went.set()

    server.script = script
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask("POST", "/completion", b"{}")
        assert went.wait(10)
    assert get(gateway.url, "/health").status == 200


@pytest.mark.parametrize("size", [8 * MIB, 20 * MIB], ids=["kept", "larger than is kept"])
@pytest.mark.parametrize("given", ["Origin: http://evil.example", "Accept: */*"], ids=["not let in", "nothing serves"])
def test_a_large_body_is_answered_also_where_the_connection_closes_after_it(size, given):
    with open_gateway() as gateway:
        gateway.point_at(STOPPED)
        with RawClient(gateway.url) as client:
            client.ask("POST", "/v1/chat/completions", b"x" * size, "Connection: close", given)
            heard = client.hear()
            assert client.more() == b""
    assert heard.status in (403, 503)
    assert heard.error
