"""The asker keeps its deadline whatever the other side does."""

from __future__ import annotations

import errno
import socket
import time

import pytest

from engine.errors import RpcServerUnusable
from engine.machines.asking.rpc_asker import SocketRpcAsker, ask_port


@pytest.mark.parametrize("timeout_seconds", [0.05, 0.4])
def test_who_accepts_nothing_is_busy_in_time(timeout_seconds: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        state = SocketRpcAsker().ask("127.0.0.1", silent.getsockname()[1], timeout_seconds=timeout_seconds)
        assert state.state == "busy"
        assert timeout_seconds * 0.9 <= time.monotonic() - started < timeout_seconds + 0.5


def asked_where_connecting_ends_with(number: int) -> str:
    def connect(*_: object) -> socket.socket:
        raise OSError(number, "so")

    return ask_port(connect, "192.0.2.1", 50052, timeout_seconds=1.0, is_own_address=False).state


def test_who_resets_the_connection_at_once_is_no_rpc_server() -> None:
    assert asked_where_connecting_ends_with(errno.ECONNRESET) == "other"
    assert asked_where_connecting_ends_with(errno.ENOTCONN) == "other"  # it was reset before our first word
    assert asked_where_connecting_ends_with(errno.ECONNREFUSED) == "gone"
    with pytest.raises(RpcServerUnusable):
        asked_where_connecting_ends_with(errno.EHOSTUNREACH)
