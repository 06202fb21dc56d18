"""Which headers go through."""

import pytest

from engine.gateway.passed_headers import first, has_body, is_last, to_client, to_llama_server

HOP_BY_HOP = [b"Connection", b"Keep-Alive", b"Proxy-Connection", b"TE", b"Trailer", b"Transfer-Encoding", b"Upgrade"]


@pytest.mark.parametrize("name", [*HOP_BY_HOP, b"Authorization", b"Proxy-Authorization", b"Expect", b"Origin", b"HOST"])
def test_what_stays_with_us(name):
    assert to_llama_server([(name, b"x")], "127.0.0.1:1") == [(b"host", b"127.0.0.1:1"), (b"connection", b"close")]


@pytest.mark.parametrize(
    "name", [*HOP_BY_HOP, b"Access-Control-Allow-Origin", b"access-control-allow-credentials", b"X-Named", b"X-Other"]
)
def test_what_the_client_is_not_told(name):
    headers = [(b"Connection", b"close, x-named"), (b"connection", b"X-Other"), (name, b"x"), (b"Kept", b"y")]
    assert to_client(headers) == [(b"kept", b"y")]


def test_the_rest_passes_in_order_and_as_often_as_it_was_there():
    headers = [(b"X-A", b"1"), (b"accept-encoding", b"gzip"), (b"x-a", b"\xff")]
    assert to_llama_server(headers, "h")[1:-1] == [(b"x-a", b"1"), (b"accept-encoding", b"gzip"), (b"x-a", b"\xff")]
    assert to_client(headers) == [(b"x-a", b"1"), (b"accept-encoding", b"gzip"), (b"x-a", b"\xff")]


def test_llama_server_hears_our_key_and_not_the_clients():
    headers = to_llama_server([(b"authorization", b"Bearer theirs")], "h", "ours")
    assert headers == [(b"host", b"h"), (b"authorization", b"Bearer ours"), (b"connection", b"close")]


def test_the_first_of_a_name():
    assert first([(b"A", b" 1 "), (b"a", b"2")], b"a") == "1"
    assert first([], b"a") is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"Content-Length", b"5")], True),
        ([(b"transfer-encoding", b"chunked")], True),
    ],
)
def test_whether_a_body_follows(headers, expected):
    assert has_body(headers) is expected


@pytest.mark.parametrize(
    ("headers", "version", "expected"),
    [
        ([], "1.1", False),
        ([(b"connection", b"keep-alive")], "1.1", False),
        ([(b"Connection", b"te, Close")], "1.1", True),
        ([], "1.0", True),
    ],
)
def test_whether_the_connection_ends_with_the_answer(headers, version, expected):
    assert is_last(headers, version) is expected
