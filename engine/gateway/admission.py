"""Who is let in, pure: the API key, and what a web browser must not be talked into.

Programs on this machine come over the loopback and need no key, unless the user wants one there too. But a browser on this
machine also runs the pages of strangers, and llama-server answers every one of them (it reflects any ``Origin``, with
credentials; seen with build 0c1e570). So, on the loopback:

- ``Host`` must be a name of the loopback, else a page's own name was pointed at 127.0.0.1 (DNS rebinding);
- a request with another ``Origin`` than the address it asks needs the key. A simple POST is sent without asking us first and
  costs the lab its time even if the page may not read the answer: it is refused and not only left without CORS headers.

Whoever came in by another address needs the key, always. Any origin may use it: whoever knows it was given it.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass

from engine.gateway.answers import Refusal
from engine.gateway.passed_headers import Raw, first

_LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]"))
HEALTH_PATHS = frozenset(("/health", "/v1/health"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is known of a request before anything is done."""

    method: str
    path: str
    headers: tuple[Raw, ...]
    local_address: str
    """Of ours, at which it arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The rules now."""

    key: str | None
    """The API key, if there is one."""
    key_on_loopback: bool = False


def refusal_of(arrival: Arrival, door: Door) -> Refusal | None:
    """Why it is not let in, or ``None``."""
    here = is_loopback(arrival.local_address)
    if here and not _names_loopback(first(arrival.headers, b"host")):
        return _refused("This address answers only to localhost, 127.0.0.1 and [::1]; the request named another host.")
    if is_preflight(arrival):
        return None if door.key is not None else _refused("Pages of other origins may not use this API without a key.")
    if has_key(arrival, door):
        return None
    if not here and arrival.path in HEALTH_PATHS and foreign_origin(arrival) is None:
        return None
    if not here or door.key_on_loopback:
        return _NO_KEY
    if foreign_origin(arrival) is not None:
        return _refused("A page of another origin may use this API only with its API key.")
    return None


def is_loopback(address: str) -> bool:
    """Whether it is an address that only this machine reaches. What is no address is not one."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_preflight(arrival: Arrival) -> bool:
    """A browser asks what a page of another origin may send."""
    return (
        arrival.method == "OPTIONS"
        and foreign_origin(arrival) is not None
        and first(arrival.headers, b"access-control-request-method") is not None
    )


def foreign_origin(arrival: Arrival) -> str | None:
    """The origin of the page that asks, if it is another one than the address it asks; ``null`` is."""
    origin = first(arrival.headers, b"origin")
    host = (first(arrival.headers, b"host") or "").lower()
    if origin is None or (host and origin.lower() in (f"http://{host}", f"https://{host}")):
        return None
    return origin


def has_key(arrival: Arrival, door: Door) -> bool:
    """Whether it carries the API key. Takes the same time wherever the first difference is."""
    scheme, _, given = (first(arrival.headers, b"authorization") or "").partition(" ")
    if door.key is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), door.key.encode())


def cors_headers(arrival: Arrival) -> list[Raw]:
    """For a page of another origin that was let in: it may read the answer."""
    origin = foreign_origin(arrival)
    if origin is None:
        return []
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]


def preflight_headers(arrival: Arrival) -> list[Raw]:
    """What such a page may send: what it will be let in for is decided then, by the key."""
    allowed = [
        (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
        (b"access-control-allow-headers", b"Authorization, Content-Type"),
        (b"access-control-max-age", b"600"),
    ]
    if first(arrival.headers, b"access-control-request-private-network") is not None:
        allowed.append((b"access-control-allow-private-network", b"true"))
    return [*cors_headers(arrival), *allowed]


def _names_loopback(host: str | None) -> bool:
    """``None``: HTTP/1.0, which no browser speaks."""
    if host is None:
        return True
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal():
        name = host
    return name.lower() in _LOOPBACK_NAMES


def _refused(message: str) -> Refusal:
    return Refusal(status=403, message=message, type="invalid_request_error", code="origin_not_allowed")


_NO_KEY = Refusal(
    status=401,
    message="This API needs its key: send it as 'Authorization: Bearer KEY'.",
    type="invalid_request_error",
    code="invalid_api_key",
    headers=((b"www-authenticate", b"Bearer"),),
)
