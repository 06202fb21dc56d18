"""What a remote process makes of its stream; with a stream that is a script. Real programs: ``test_remote_starter``."""

from __future__ import annotations

import threading

import pytest

from engine.errors import ProcessFailed
from engine.ssh.leashed.heartbeat import Heartbeat
from engine.ssh.leashed.leash_output import LeashOutput, Started
from engine.ssh.leashed.remote_process import RemoteProcess
from engine.vocabulary.running.process import ConnectionLoss, ProcessId, ProcessOutcome, ProcessSpec

WAIT_SECONDS = 30.0
SPEC = ProcessSpec(id=ProcessId("worker"), argv=("prog",))
START = b"0f begin\n0f started 12 11 10\n"


class ScriptedStream:
    """Gives out chunks, then ends; or, ``hangs``, ends only when it is closed."""

    def __init__(self, *chunks: bytes, hangs: bool = False) -> None:
        self._chunks = list(chunks)
        self._hangs = hangs
        self.closed = threading.Event()

    def send(self, data: bytes) -> None: ...

    def close_input(self) -> None: ...

    def loss(self) -> ConnectionLoss | None:
        return ConnectionLoss.CLOSED

    def read(self, most_bytes: int) -> bytes:
        if self._chunks:
            return self._chunks.pop(0)
        if self._hangs:
            self.closed.wait(WAIT_SECONDS)
        return b""

    def exit_code(self, timeout_seconds: float) -> int | None:
        return None

    def close(self) -> None:
        self.closed.set()


def process_on(stream: ScriptedStream) -> RemoteProcess:
    process = RemoteProcess(SPEC, "node", stream, LeashOutput("0f"), Heartbeat())
    process.read()
    return process


def watch(process: RemoteProcess) -> list[object]:
    seen: list[object] = []
    ended = threading.Event()

    def on_exit(outcome: ProcessOutcome) -> None:
        seen.append(outcome)
        ended.set()

    process.watch(seen.append, on_exit, lambda started: None, lambda started: "")
    assert ended.wait(WAIT_SECONDS)
    return seen


def test_lines_and_then_the_end() -> None:
    stream = ScriptedStream(START + b"one\ntw", b"o\n", b"0f ended 7\n")
    process = process_on(stream)
    assert process.wait_for_answer(WAIT_SECONDS, 0) is None
    assert process.pid == 12
    assert watch(process) == ["one", "two", ProcessOutcome(exit_code=7, stop_asked=False)]
    assert stream.closed.is_set()


def test_a_stream_that_breaks_leaves_the_exit_unknown_and_the_half_line_known() -> None:
    process = process_on(ScriptedStream(START + b"one\nhalf"))
    process.wait_for_answer(WAIT_SECONDS, 0)
    assert watch(process) == ["one", "half", ProcessOutcome(exit_code=None, stop_asked=False, loss=ConnectionLoss.CLOSED)]


def test_no_answer_in_time_is_told() -> None:
    stream = ScriptedStream(b"Welcome\n", hangs=True)
    process = process_on(stream)
    with pytest.raises(TimeoutError):
        process.wait_for_answer(0.05, 0)
    assert process.greeting == "Welcome\n"
    process.give_up()
    assert stream.closed.is_set()


@pytest.mark.parametrize(("code", "reason"), [(127, "no-loader"), (126, "wrong-kind"), (1, None), (0, None)])
def test_a_shell_that_could_not_start_it_says_so_by_how_it_ends(code: int, reason: str | None) -> None:
    process = process_on(ScriptedStream(START, b"0f ended %d\n" % code))
    answer = process.wait_for_answer(WAIT_SECONDS, WAIT_SECONDS)
    assert (answer.reason if answer else None) == reason


def test_every_rung_is_tried_and_what_still_lives_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TERMINATE_SECONDS", "KILL_SECONDS", "_LEASH_KILL_SECONDS"):
        monkeypatch.setattr(f"engine.ssh.leashed.remote_process.{name}", 0.01)
    stream = ScriptedStream(START, hangs=True)
    process = process_on(stream)
    process.wait_for_answer(WAIT_SECONDS, 0)
    killed: list[Started] = []
    ended = threading.Event()
    process.watch(lambda line: None, lambda outcome: ended.set(), killed.append, lambda _started: "")
    with pytest.raises(ProcessFailed, match=r"worker on node .* does not end, even after being killed"):
        process.stop(grace_seconds=0.01)
    assert killed == [Started(pid=12, group=11, leash=10)]
    assert process.is_alive()
    stream.close()
    assert ended.wait(WAIT_SECONDS)
    assert process.outcome() == ProcessOutcome(exit_code=None, stop_asked=True, rung="killed")
