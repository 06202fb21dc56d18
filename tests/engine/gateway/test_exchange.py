"""A request through the gateway: what passes, what waits, what is sent again, what is told. Real sockets on both sides."""

import json
import threading
import time
from dataclasses import replace

import pytest

from engine.vocabulary.running.api import ApiPlace
from tests.engine.gateway.open_gateway import LOADING, QUICK, STOPPED, at, open_gateway
from tests.fakes.llama_cpp.scripted_llama_server import scripted_llama_server
from tests.fakes.raw_client import RawClient, get, post

ODD_TARGET = "/a%2Fb/../c%20d;x=1?q=%3F&empty=&q=2&plus=a+b"


@pytest.fixture
def gateway():
    with open_gateway() as opened:
        yield opened


@pytest.fixture
def server():
    with scripted_llama_server() as started:
        yield started


# -- passing through


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_method_target_and_headers_arrive_as_they_were_sent(gateway, server, method):
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask(method, ODD_TARGET, b"{}", "X-Odd: \xe9t\xe9", "X-Twice: 1", "X-Twice: 2", "Accept-Encoding: br")
        heard = client.hear(head_only=method == "HEAD")
    assert heard.status == 200
    (asked,) = server.asked
    assert asked.line == f"{method} {ODD_TARGET} HTTP/1.1"
    assert asked.body == b"{}"
    assert (asked.header("x-odd"), asked.header("x-twice")) == (["\xe9t\xe9"], ["1", "2"])
    assert (asked.header("accept-encoding"), asked.header("user-agent")) == (["br"], [])
    assert asked.header("host") == [f"127.0.0.1:{server.port}"]


def test_what_belongs_to_one_connection_stays_on_it(gateway, server):
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask(
            "GET", "/x", None, "Connection: keep-alive, X-Mine", "X-Mine: 1", "Keep-Alive: timeout=9", "TE: trailers",
            "Authorization: Bearer secret", "Upgrade: h2c", "Proxy-Connection: close", "Expect: 100-continue",
        )  # fmt: skip
        client.hear()
    (asked,) = server.asked
    names = {line.partition(":")[0].lower() for line in asked.head.split("\r\n")[1:]}
    assert names == {"host", "connection"}
    assert asked.header("connection") == ["close"]


def test_an_answer_passes_with_its_status_and_headers(gateway, server):
    server.script = lambda asked: asked.answer(
        b"\x1f\x8bnot really", "404 Not Found", "X-Two: 1", "X-Two: 2", "Content-Encoding: gzip", "Keep-Alive: timeout=5"
    )
    gateway.point_at(at(server))
    heard = get(gateway.url)
    assert (heard.status, heard.body) == (404, b"\x1f\x8bnot really")
    assert heard.headers["content-encoding"] == "gzip"
    assert "keep-alive" not in heard.headers


def test_a_page_of_any_origin_is_not_what_llama_server_may_allow(gateway, server):
    server.script = lambda asked: asked.answer(
        "{}", "200 OK", "Access-Control-Allow-Origin: http://evil.example", "Access-Control-Allow-Credentials: true"
    )
    gateway.point_at(at(server))
    assert not [name for name in get(gateway.url).headers if name.startswith("access-control")]


def test_an_answer_without_a_length_passes_piece_by_piece(gateway, server):
    def script(asked):
        asked.say("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in ("one", "two", ""):
            asked.chunk(piece)

    server.script = script
    gateway.point_at(at(server))
    heard = get(gateway.url)
    assert (heard.status, heard.body, heard.complete) == (200, b"onetwo", True)


def test_a_chunked_body_and_a_large_one_arrive_whole(gateway, server):
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask("POST", "/x", None, "Transfer-Encoding: chunked")
        client.say(b"3\r\nabc\r\n")
        time.sleep(0.05)
        client.say(b"4;odd=ext\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert client.hear().status == 200
    large = bytes(range(256)) * 4 * 8192
    assert post(gateway.url, "/x", large).status == 200
    assert [asked.body for asked in server.asked] == [b"abcdefg", large]


def test_a_body_larger_than_is_kept_passes_in_bounded_memory(server):
    size = 4 * 1024 * 1024
    limits = replace(QUICK, kept_body_bytes=100_000)
    with open_gateway(limits=limits) as gateway:
        gateway.point_at(at(server))
        assert post(gateway.url, "/x", b"x" * size).status == 200
    assert len(server.asked[0].body) == size


def test_expect_100_is_answered_by_the_gateway(gateway, server):
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask("POST", "/x", None, "Content-Length: 2", "Expect: 100-continue")
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        client.say(b"{}")
        assert client.hear().status == 200


# -- streams


def test_every_event_comes_when_it_is_sent_and_not_later(gateway, server):
    may_go_on = threading.Semaphore(0)

    def script(asked):
        asked.begin_events("X-Accel-Buffering: no")
        for number in range(3):
            asked.chunk(f"data: {number}\n\n")
            assert may_go_on.acquire(timeout=10)
        asked.chunk("")

    server.script = script
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask("POST", "/completion", b'{"stream":true}')
        status, headers = client.head()
        assert (status, headers["content-type"], headers["x-accel-buffering"]) == (200, "text/event-stream", "no")
        for number in range(3):
            assert client.chunk() == f"data: {number}\n\n".encode()
            may_go_on.release()
        assert client.chunk() == b""


def test_a_client_that_goes_away_ends_llama_servers_work(gateway, server):
    went = threading.Event()

    def script(asked):
        asked.begin_events()
        asked.chunk("data: 0\n\n")
        if asked.wait_gone():
            went.set()

    server.script = script
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask("POST", "/completion", b"{}")
        client.head()
    assert went.wait(5)


def test_so_does_one_that_leaves_before_the_first_word(gateway, server):
    asked_it, went = threading.Event(), threading.Event()

    def script(asked):
        asked_it.set()
        if asked.wait_gone():
            went.set()

    server.script = script
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask("POST", "/completion", b"{}")
        assert asked_it.wait(5)
    assert went.wait(5)


def test_a_stream_that_breaks_off_ends_with_an_error_event_and_not_with_half_an_event(gateway, server):
    def script(asked):
        asked.begin_events()
        asked.chunk('data: {"content":"a"}\n\n')
        asked.chunk('data: {"content":"a"}\n\ndata: {"cont')

    server.script = script
    gateway.point_at(at(server))
    heard = post(gateway.url)
    assert (heard.status, heard.complete) == (200, True)
    first, second, last, end = heard.body.split(b"\n\n")
    assert (first, second, end) == (b'data: {"content":"a"}', b'data: {"content":"a"}', b"")
    error = json.loads(last.removeprefix(b"data: "))["error"]
    assert set(error) == {"message", "type", "code"}
    assert "llama-server ended" in error["message"]


def test_an_event_that_comes_in_two_halves_is_passed_on_whole(gateway, server):
    def script(asked):
        asked.begin_events()
        for piece in ("data: a", "b\r", "\n\r\n", "data: c\n\n", ": a last word without an end", ""):
            asked.chunk(piece)
            time.sleep(0.02)

    server.script = script
    gateway.point_at(at(server))
    with RawClient(gateway.url) as client:
        client.ask("GET", "/x")
        client.head()
        pieces = [client.chunk() for _ in range(4)]
    assert pieces == [b"data: ab\r\n\r\n", b"data: c\n\n", b": a last word without an end", b""]


def test_any_other_answer_that_breaks_off_is_seen_to_be_incomplete(server):
    def script(asked):
        asked.say("HTTP/1.1 200 OK\r\nContent-Type: application/x\r\nContent-Length: 4000000\r\n\r\n" + "x" * 100_000)

    server.script = script
    with open_gateway(limits=replace(QUICK, whole_answer_bytes=1000)) as gateway:
        gateway.point_at(at(server))
        heard = get(gateway.url)
    assert (heard.status, heard.complete) == (200, False)


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
