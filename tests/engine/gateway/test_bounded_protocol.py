"""What comes in on a connection, good and bad. The gateway stays what it is, and says so where it can."""

import contextlib
import random
import socket
import struct
import time
from dataclasses import replace

import pytest

from tests.engine.gateway.open_gateway import QUICK, at, open_gateway
from tests.fakes.llama_cpp.scripted_llama_server import scripted_llama_server
from tests.fakes.raw_client import RawClient, eventually, get


@pytest.fixture
def server():
    with scripted_llama_server() as started:
        yield started


@pytest.fixture
def gateway(server):
    with open_gateway() as opened:
        opened.point_at(at(server))
        yield opened


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /x HTTP/1.1\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"y" * 700_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 700_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://evil.example/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
    ids=["tls", "no target", "no host", "two hosts", "no colon", "zero byte", "negative length", "two lengths",
         "encoding", "huge header", "huge target", "absolute target"],
)  # fmt: skip
def test_what_is_no_request_is_refused_in_openais_format_and_never_passed_on(gateway, server, data):
    with RawClient(gateway.url) as client:
        client.say(data)
        heard = client.hear()
        assert client.more() == b""
    assert heard.status in (400, 501)
    assert set(heard.error) == {"message", "type", "code"}
    assert server.asked == []


def test_http_1_0_is_answered_and_closed(gateway, server):
    with RawClient(gateway.url) as client:
        client.ask("GET", "/x", None, version="1.0")
        heard = client.hear()
        assert client.more() == b""
    assert (heard.status, heard.body) == (200, b'{"ok":true}')
    assert server.asked[0].line == "GET /x HTTP/1.1"


def test_a_stream_for_http_1_0_ends_with_the_connection(gateway, server):
    def script(asked):
        asked.begin_events()
        asked.chunk("data: 1\n\n")
        asked.chunk("")

    server.script = script
    with RawClient(gateway.url) as client:
        client.ask("GET", "/x", None, version="1.0")
        assert client.hear().body == b"data: 1\n\n"


def test_requests_in_one_go_are_answered_in_their_order(gateway, server):
    server.script = lambda asked: asked.answer(asked.line.split()[1])
    with RawClient(gateway.url) as client:
        client.say(b"".join(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number for number in range(20)))
        assert [client.hear().body for _ in range(20)] == [b"/%d" % number for number in range(20)]


def test_a_connection_is_kept_between_requests(gateway):
    with RawClient(gateway.url) as client:
        for _ in range(3):
            client.ask("POST", "/x", b"{}")
            assert client.hear().status == 200


def test_a_websocket_is_answered_as_a_plain_request(gateway, server):
    with RawClient(gateway.url) as client:
        client.ask("GET", "/x", None, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
        assert client.hear().status == 200


def test_a_head_that_comes_drop_by_drop_has_its_time_and_no_more(gateway):
    with RawClient(gateway.url) as client:
        began = time.monotonic()
        client.say(b"GET /x HTTP/1.1\r\n")
        for _ in range(3):
            time.sleep(0.1)
            client.say(b"X: 1\r\n")
        heard = client.hear()
        assert (heard.status, heard.error["code"]) == (408, "request_timeout")
        assert 0.4 < time.monotonic() - began < 5


def test_who_says_nothing_at_all_is_let_go(gateway):
    with RawClient(gateway.url) as client:
        assert client.hear().status == 408
        assert client.more() == b""


def test_a_second_head_has_the_same_time(gateway):
    with RawClient(gateway.url) as client:
        client.ask("GET", "/x")
        assert client.hear().status == 200
        client.say(b"GET /x HT")
        assert client.hear().status == 408


def test_a_body_that_turns_into_nonsense_in_the_middle_of_an_answer(gateway, server):
    def script(asked):
        asked.begin_events()
        asked.chunk("data: 1\n\n")
        asked.wait_gone()

    server.script = script
    with RawClient(gateway.url) as client:
        client.ask("POST", "/x", None, "Transfer-Encoding: chunked")
        client.say(b"1\r\na\r\nnonsense\r\n")
        assert client.hear().status in (0, 400)
    assert get(gateway.url, "/health").status == 200


def test_one_connection_too_many_is_told(server):
    with open_gateway(limits=replace(QUICK, most_connections=2, head_seconds=30)) as gateway:
        gateway.point_at(at(server))
        with RawClient(gateway.url) as one, RawClient(gateway.url) as two:
            one.ask("GET", "/x")
            two.ask("GET", "/x")
            assert (one.hear().status, two.hear().status) == (200, 200)
            with RawClient(gateway.url) as three:
                heard = three.hear()
                assert (heard.status, heard.headers["retry-after"]) == (503, "5")
        eventually(lambda: get(gateway.url).status == 200)


def test_a_reset_in_the_middle_of_anything_leaves_it_as_it_was(gateway, server):
    for data in (b"", b"GET", b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab", b"GET /x HTTP/1.1\r\n"):
        client = RawClient(gateway.url)
        client.say(data)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
    assert get(gateway.url).status == 200


def test_random_bytes_and_random_changes_of_a_request_are_answered_or_closed(gateway, server):
    draw = random.Random(20261126)
    good = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    for _ in range(150):
        data = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(data))
            data[place : place + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
        with RawClient(gateway.url) as client:
            client.say(bytes(data))
            heard = client.hear()
            assert heard.status in (0, 200, 204, 400, 403, 408, 501), data
            assert heard.complete or heard.status == 0
    assert get(gateway.url).status == 200


def test_who_was_answered_and_does_not_go_on_with_its_body_is_let_go(gateway):
    with RawClient(gateway.url) as client:
        client.ask("POST", "/x", b"{", "Origin: http://evil.example", "Content-Length: 1000")
        assert client.hear().status == 403
        client.say(b"x")
        assert client.more() == b""


def test_a_body_that_goes_on_in_time_is_followed_by_another_request(gateway):
    with RawClient(gateway.url) as client:
        client.ask("POST", "/x", b"{", "Origin: http://evil.example", "Content-Length: 3")
        assert client.hear().status == 403
        client.say(b"x")
        client.say(b"}")
        client.ask("GET", "/health")
        assert client.hear().status == 200
        time.sleep(QUICK.body_idle_seconds * 1.5)
        client.ask("GET", "/health")
        assert client.hear().status in (200, 408), "its time for the rest of the body is not counted any more"


def test_who_takes_nothing_is_let_go():
    """Nobody needs a key for that: refusals have to be taken, too."""
    with open_gateway(limits=replace(QUICK, most_connections=1)) as gateway, RawClient(gateway.url) as client:
        client.socket.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            while True:
                client.say("GET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n" * 1000)
        assert get(gateway.url, "/health").error["message"] == "Too many connections."
        eventually(lambda: get(gateway.url, "/health").error["message"] != "Too many connections.")


def test_who_takes_slowly_gets_all_of_it(gateway, server):
    size = 12_000_000

    def script(asked):
        asked.begin_events()
        asked.chunk("x" * size)
        asked.chunk("")

    server.script = script
    with RawClient(gateway.url) as client:
        client.ask("GET", "/x", None, version="1.0")
        heard, data = 0, b"x"
        while data:
            data = client.socket.recv(600_000)
            heard += len(data)
            time.sleep(0.05)
    assert heard > size
