from __future__ import annotations

import threading

import pytest

from engine.machines.asking.late_connects import LateConnects


class Connection:
    """Knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Slow:
    """Connects when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.made: list[Connection] = []
        self.asked = 0

    def __call__(self, host: str, port: int, timeout_seconds: float) -> Connection:
        self.asked += 1
        assert self.let.wait(20)
        self.made.append(Connection())
        return self.made[-1]


def test_what_comes_in_time_is_handed_out_open() -> None:
    slow = Slow()
    slow.let.set()
    connection = LateConnects(slow).connect("127.0.0.1", 1, 10)
    assert connection is slow.made[0]
    assert not slow.made[0].closed.is_set()


def test_what_comes_too_late_is_closed() -> None:
    slow = Slow()
    connects = LateConnects(slow)
    with pytest.raises(TimeoutError):
        connects.connect("127.0.0.1", 1, 0.01)
    slow.let.set()
    while not slow.made:
        pass
    assert slow.made[0].closed.wait(20)


def test_no_more_than_so_many_are_under_way() -> None:
    slow = Slow()
    connects = LateConnects(slow, most_under_way=2)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            connects.connect("127.0.0.1", 1, 0.01)
    assert slow.asked == 2
    slow.let.set()
    assert connects.connect("127.0.0.1", 1, 20) in slow.made


def test_a_refused_connect_is_refused() -> None:
    def refuse(host: str, port: int, timeout_seconds: float) -> Connection:
        raise ConnectionRefusedError(111, "refused")

    with pytest.raises(ConnectionRefusedError):
        LateConnects(refuse).connect("127.0.0.1", 1, 10)
