"""Which headers go through, pure. Hop-by-hop ones (RFC 9110, 7.6.1) belong to one connection, the rest passes as it is.

Not passed to llama-server: ``Authorization`` (the key is for us, and llama-server has another one), ``Expect`` (answered
by us) and ``Origin`` (judged by us). Not passed to the client: llama-server's ``Access-Control-*``, because it allows every
origin, with credentials.
"""

from __future__ import annotations

from collections.abc import Iterable

Raw = tuple[bytes, bytes]

_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
_STAYS_HERE = _HOP_BY_HOP | {b"authorization", b"proxy-authorization", b"expect", b"host", b"origin"}
_CORS = b"access-control-"


def to_llama_server(headers: Iterable[Raw], host: str, key: str | None = None) -> list[Raw]:
    """Of a request; ``key`` is the one that llama-server asks for.

    The connection is closed after it: a kept one occupies a thread of llama-server's few.
    """
    headers = list(headers)
    dropped = _STAYS_HERE | _named_by_connection(headers)
    passed = [(name.lower(), value) for name, value in headers if name.lower() not in dropped]
    ours = [] if key is None else [(b"authorization", b"Bearer " + key.encode())]
    return [(b"host", host.encode()), *passed, *ours, (b"connection", b"close")]


def to_client(headers: Iterable[Raw]) -> list[Raw]:
    """Of an answer."""
    headers = list(headers)
    dropped = _HOP_BY_HOP | _named_by_connection(headers)
    return [(n.lower(), v) for n, v in headers if n.lower() not in dropped and not n.lower().startswith(_CORS)]


def first(headers: Iterable[Raw], name: bytes) -> str | None:
    """The value of the first header of that name."""
    return next((value.decode("latin-1").strip() for other, value in headers if other.lower() == name), None)


def has_body(headers: Iterable[Raw]) -> bool:
    """Whether a request says that a body follows."""
    headers = list(headers)
    length = first(headers, b"content-length")
    return first(headers, b"transfer-encoding") is not None or length not in (None, "0")


def is_last(headers: Iterable[Raw], http_version: str) -> bool:
    """Whether the connection is closed after the answer."""
    return http_version == "1.0" or b"close" in _named_by_connection(list(headers))


def _named_by_connection(headers: list[Raw]) -> set[bytes]:
    values = (value for name, value in headers if name.lower() == b"connection")
    return {token.strip().lower() for value in values for token in value.split(b",")}
