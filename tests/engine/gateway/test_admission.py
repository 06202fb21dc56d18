"""Who is let in. Pure."""

import pytest

from engine.gateway.admission import (
    Arrival,
    Door,
    cors_headers,
    foreign_origin,
    has_key,
    is_loopback,
    is_preflight,
    preflight_headers,
    refusal_of,
)

KEY = "sk-crossply-x"
NO_KEY, WITH_KEY = Door(key=None), Door(key=KEY)
BEARER = {"authorization": f"Bearer {KEY}"}
PREFLIGHT = {"origin": "http://evil.example", "access-control-request-method": "POST"}


def arrival(headers=None, *, method="POST", path="/v1/chat/completions", at="127.0.0.1", host="127.0.0.1:8080"):
    pairs = {} if host is None else {"host": host}
    pairs |= headers or {}
    raw = tuple((name.encode(), value.encode("latin-1")) for name, value in pairs.items())
    return Arrival(method=method, path=path, headers=raw, local_address=at)


def status(*arguments, door=NO_KEY, **fields):
    refusal = refusal_of(arrival(*arguments, **fields), door)
    return None if refusal is None else refusal.status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost", "LocalHost:9000", "[::1]:8080", "[::1]", "127.0.0.1", None], ids=str
)
def test_programs_on_this_machine_need_nothing(host):
    assert status(host=host) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example:8080", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "", "10.0.0.7:8080",
     "localhost:8080:8080", "localhost:x", "127.0.0.1:8080@evil.example"],
)  # fmt: skip
def test_a_name_that_was_pointed_at_the_loopback_is_refused(host):
    assert status(host=host) == 403
    assert status(BEARER, host=host, door=WITH_KEY) == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "https://evil.example", "null", "http://localhost:3000", "file://"])
def test_a_page_of_another_origin_needs_the_key(origin):
    assert status({"origin": origin}) == 403
    assert status({"origin": origin}, door=WITH_KEY) == 403
    assert status({"origin": origin} | BEARER, door=WITH_KEY) is None
    assert status({"origin": origin} | BEARER) == 403, "a key that there is not opens nothing"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:9000"])
def test_our_own_page_is_no_other_origin(host):
    same = {"origin": f"http://{host.upper()}"}
    assert status(same, host=host) is None
    assert cors_headers(arrival(same, host=host)) == []


def test_a_browser_that_asks_first_is_told_what_it_will_be_let_in_for():
    assert is_preflight(arrival(PREFLIGHT, method="OPTIONS"))
    assert status(PREFLIGHT, method="OPTIONS") == 403
    assert status(PREFLIGHT, method="OPTIONS", door=WITH_KEY) is None
    assert status(PREFLIGHT, method="OPTIONS", door=WITH_KEY, at="10.0.0.7") is None
    answer = dict(preflight_headers(arrival(PREFLIGHT, method="OPTIONS")))
    assert answer[b"access-control-allow-origin"] == b"http://evil.example"
    assert b"Authorization" in answer[b"access-control-allow-headers"]
    assert b"access-control-allow-credentials" not in answer
    assert b"access-control-allow-private-network" not in answer
    private = arrival(PREFLIGHT | {"access-control-request-private-network": "true"}, method="OPTIONS")
    assert (b"access-control-allow-private-network", b"true") in preflight_headers(private)


@pytest.mark.parametrize("fields", [{"method": "POST"}, {"method": "OPTIONS", "headers": {"origin": "http://evil.example"}}])
def test_what_only_looks_like_it_is_no_such_question(fields):
    assert not is_preflight(arrival(fields.get("headers", PREFLIGHT), method=fields["method"]))


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", KEY, f"Bearer {KEY.upper()}",
     "Bearer \xfc"],
)  # fmt: skip
def test_other_machines_need_the_very_key(given):
    assert status({"authorization": given}, at="10.0.0.7", host="lab:8080", door=WITH_KEY) == 401
    assert not has_key(arrival({"authorization": given}), WITH_KEY)


@pytest.mark.parametrize("given", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER   {KEY} "])
def test_and_are_let_in_with_it_by_any_name(given):
    assert status({"authorization": given}, at="10.0.0.7", host="lab.example", door=WITH_KEY) is None


def test_without_any_key_nobody_comes_in_from_outside():
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer None"}):
        assert status(headers, at="10.0.0.7", door=NO_KEY) == 401
        assert status(headers, at="no address", door=NO_KEY) == 401


def test_the_refusal_says_how_and_is_as_openais():
    refusal = refusal_of(arrival(at="10.0.0.7"), WITH_KEY)
    assert refusal.document["error"]["code"] == "invalid_api_key"
    assert (b"www-authenticate", b"Bearer") in refusal.raw_headers
    assert KEY not in refusal.message


def test_health_is_no_secret_but_no_page_reads_it():
    assert status(method="GET", path="/health", at="10.0.0.7", door=WITH_KEY) is None
    assert status({"origin": "http://evil.example"}, method="GET", path="/health", at="10.0.0.7", door=WITH_KEY) == 401


def test_the_user_may_want_the_key_on_this_machine_too():
    door = Door(key=KEY, key_on_loopback=True)
    assert status(door=door) == 401
    assert status(BEARER, door=door) is None
    assert status(door=Door(key=None, key_on_loopback=True)) == 401


def test_who_was_let_in_with_the_key_may_read_the_answer():
    page = arrival({"origin": "http://app.example"} | BEARER)
    assert cors_headers(page) == [(b"access-control-allow-origin", b"http://app.example"), (b"vary", b"Origin")]


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("10.0.0.7", False), ("", False)]
)
def test_only_the_loopback_is_the_loopback(address, expected):
    assert is_loopback(address) is expected


def test_an_origin_counts_as_foreign_where_nothing_says_what_was_asked():
    assert foreign_origin(arrival({"origin": "http://"}, host="")) == "http://"
    assert foreign_origin(arrival({"origin": "http://a"}, host=None)) == "http://a"
