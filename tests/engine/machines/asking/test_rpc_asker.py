"""The asker keeps its deadline whatever the other side does."""

from __future__ import annotations

import socket
import time

import pytest

from engine.machines.asking.rpc_asker import SocketRpcAsker


@pytest.mark.parametrize("timeout_seconds", [0.05, 0.4])
def test_who_accepts_nothing_is_busy_in_time(timeout_seconds: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        state = SocketRpcAsker().ask("127.0.0.1", silent.getsockname()[1], timeout_seconds=timeout_seconds)
        assert state.state == "busy"
        assert timeout_seconds * 0.9 <= time.monotonic() - started < timeout_seconds + 0.5
