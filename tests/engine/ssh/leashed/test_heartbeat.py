from __future__ import annotations

import threading
from queue import Queue

from engine.errors import MachineUnreachable
from engine.ssh.leashed.heartbeat import Heartbeat
from engine.ssh.leashed.leash_programs import ASK, BEAT

WAIT_SECONDS = 30.0
NEVER_SECONDS = 3600.0


class Recorder:
    """The part of a ``RemoteStream`` that is written to."""

    def __init__(self, *, lost: bool = False) -> None:
        self.sent: Queue[bytes] = Queue()
        self._lost = lost

    def send(self, data: bytes) -> None:
        self.sent.put(data)
        if self._lost:
            raise MachineUnreachable("The connection is lost.")

    def close_input(self) -> None: ...

    def read(self, most_bytes: int) -> bytes:
        return b""

    def exit_code(self, timeout_seconds: float) -> int | None:
        return None

    def loss(self) -> None: ...

    def close(self) -> None: ...


def thread_is_gone() -> bool:
    pause = threading.Event()
    names = lambda: [thread.name for thread in threading.enumerate()]  # noqa: E731
    return any("heartbeat of leashes" not in names() or pause.wait(0.02) for _ in range(500))


def test_every_leash_gets_beats_until_it_is_removed() -> None:
    heartbeat, one, two = Heartbeat(0.01), Recorder(), Recorder()
    heartbeat.add(one)
    heartbeat.add(two)
    for stream in (one, two):
        assert [stream.sent.get(timeout=WAIT_SECONDS) for _ in range(3)] == [BEAT] * 3
    heartbeat.remove(one)
    heartbeat.remove(one)
    assert two.sent.get(timeout=WAIT_SECONDS) == BEAT
    heartbeat.remove(two)
    assert thread_is_gone()


def test_a_command_does_not_wait_for_the_next_beat() -> None:
    heartbeat, stream = Heartbeat(NEVER_SECONDS), Recorder()
    heartbeat.add(stream)
    heartbeat.command(stream, ASK)
    assert stream.sent.get(timeout=WAIT_SECONDS) == ASK
    heartbeat.remove(stream)
    assert thread_is_gone()


def test_a_lost_one_does_not_keep_the_others_from_their_beats() -> None:
    heartbeat, lost, fine = Heartbeat(0.01), Recorder(lost=True), Recorder()
    heartbeat.add(lost)
    heartbeat.add(fine)
    assert [fine.sent.get(timeout=WAIT_SECONDS) for _ in range(3)] == [BEAT] * 3
    heartbeat.remove(lost)
    heartbeat.remove(fine)
    assert thread_is_gone()


def test_it_starts_again_after_the_last_was_removed() -> None:
    heartbeat, first, second = Heartbeat(0.01), Recorder(), Recorder()
    heartbeat.add(first)
    heartbeat.remove(first)
    heartbeat.add(second)
    assert second.sent.get(timeout=WAIT_SECONDS) == BEAT
    heartbeat.remove(second)
    assert thread_is_gone()
