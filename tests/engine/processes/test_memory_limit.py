from __future__ import annotations

import logging
import threading

import pytest

from engine.processes.local_process import LocalProcessStarter
from engine.processes.memory_limit import limit_with_headroom
from engine.vocabulary.running.process import ProcessId, ProcessSpec

GIB = 1 << 30


class FakeLimiter:
    def __init__(self, why_not: str | None = None) -> None:
        self.why_not = why_not
        self.held: list[tuple[int, int]] = []
        self.let_go_of: list[int] = []

    def hold(self, pid: int, limit_bytes: int) -> str | None:
        self.held.append((pid, limit_bytes))
        return self.why_not

    def let_go(self, pid: int) -> None:
        self.let_go_of.append(pid)


def run_to_end(limiter: FakeLimiter, limit_bytes: int | None) -> int:
    ended = threading.Event()
    spec = ProcessSpec(id=ProcessId("worker"), argv=("/bin/true",), memory_limit_bytes=limit_bytes)
    process = LocalProcessStarter(limiter).start(spec, lambda _: None, lambda _: ended.set())
    assert ended.wait(30)
    return process.pid


def test_a_limited_program_is_held_and_let_go_of() -> None:
    limiter = FakeLimiter()
    pid = run_to_end(limiter, GIB)
    assert (limiter.held, limiter.let_go_of) == ([(pid, limit_with_headroom(GIB))], [pid])


def test_without_a_limit_nothing_is_asked() -> None:
    limiter = FakeLimiter()
    run_to_end(limiter, None)
    assert limiter.held == limiter.let_go_of == []


def test_a_system_that_cannot_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    limiter = FakeLimiter("there is no cgroup")
    run_to_end(limiter, GIB)
    assert caplog.messages == ["No memory limit is enforced on worker: there is no cgroup."]
    assert limiter.let_go_of == []


def test_the_limit_leaves_room() -> None:
    assert limit_with_headroom(0) == 512 << 20
    assert limit_with_headroom(10 * GIB) == 11 * GIB + (512 << 20)
