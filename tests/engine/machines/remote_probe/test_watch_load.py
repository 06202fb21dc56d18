from __future__ import annotations

import itertools
import threading
import time

import psutil
import pytest

from engine.errors import Cancelled, MachineUnreachable, ProbeFailed
from engine.machines.remote_probe import watch_load as module
from engine.machines.remote_probe.sent.parse_probe import parse_probe
from engine.machines.remote_probe.sent.probe_answer import machine_of
from engine.machines.remote_probe.watch_load import watch_load
from tests.engine.machines.remote_probe.here_shell import HereShell
from tests.engine.machines.remote_probe.sent_documents import TARGET, packed, recorded
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled

MACHINE = machine_of(parse_probe(packed(recorded()), TARGET), None)
LINE = b'{"t":%d,"cpu":[1,1],"ram":1,"net":null,"cpu_mc":null,"nv":[],"drm":[]}'


class ScriptedStream:
    """Says ``pieces`` (``MARK`` in them is the mark that was asked for), then ends or hangs until it is closed."""

    def __init__(self, pieces, *, exit_code=None, hangs=False):
        self.pieces = list(pieces)
        self.code = exit_code
        self.hangs = hangs
        self.closed = threading.Event()
        self.mark = b""
        self.answers = 0

    def send(self, data):
        if self.mark:
            assert data == module.HEARD
            self.answers += 1
            return
        line = next(line for line in data.decode().splitlines() if line.startswith("set -- "))
        self.mark = line.split()[2].encode()

    def read(self, most_bytes):
        if self.pieces:
            return self.pieces.pop(0).replace(b"MARK", self.mark)
        if self.hangs:
            self.closed.wait(30)
        return b""

    def exit_code(self, timeout_seconds):
        return self.code

    def close(self):
        self.closed.set()


class ScriptedShell(HereShell):
    def __init__(self, stream):
        super().__init__()
        self.stream = stream

    def open(self, command):
        return self.stream


def watch(stream, loads, token=None, **options):
    watch_load(ScriptedShell(stream), MACHINE, True, loads.append, token or NeverCancelled(), **options)


def test_lines_become_samples_and_noise_does_not():
    loads = []
    one = b"MARK" + LINE % 1 + b"\n"
    two = b"MARK" + LINE % 2 + b"\n"
    stream = ScriptedStream([b"motd\n" + one[:50], one[50:] + b"warning\n", two, b"MARK unfinished"])
    with pytest.raises(MachineUnreachable, match=r"^ada@10\.0\.0\.7 is not connected any more"):
        watch(stream, loads)
    assert len(loads) == 2
    assert stream.answers == 2
    assert {load.machine_id for load in loads} == {TARGET.machine_id}


def test_samples_carry_our_clock():
    loads, clock = [], itertools.count(1000.0)
    with pytest.raises(MachineUnreachable):
        watch(ScriptedStream([b"MARK" + LINE % 5 + b"\n"]), loads, now_seconds=lambda: next(clock))
    assert loads[0].taken_at_seconds >= 1000


def test_nonsense_is_one_sentence_and_closes_the_stream():
    stream = ScriptedStream([b"MARK{}\n"], hangs=True)
    with pytest.raises(ProbeFailed, match=r"^ada@10\.0\.0\.7 told something about its load that cannot be"):
        watch(stream, [])
    assert stream.closed.is_set()


def test_a_program_that_ends_by_itself():
    with pytest.raises(ProbeFailed, match=r"has stopped telling its load \(status 127\)"):
        watch(ScriptedStream([], exit_code=127), [])


def test_silence_has_an_end(monkeypatch):
    monkeypatch.setattr(module, "_LOOK_AROUND_SECONDS", 0.01)
    clock = itertools.count(0.0, 5.0)
    stream = ScriptedStream([], hangs=True)
    with pytest.raises(MachineUnreachable, match="has said nothing about its load for 20 s"):
        watch(stream, [], now_seconds=lambda: next(clock))
    assert stream.closed.is_set()


def test_an_endless_line_takes_no_memory():
    with pytest.raises(MachineUnreachable):
        watch(ScriptedStream([b"x" * 16384] * 200), [])


def test_cancelling_closes_the_stream():
    stream, loads = ScriptedStream([b"MARK" + LINE % 1 + b"\n"], hangs=True), []
    with pytest.raises(Cancelled):
        watch(stream, loads, CancelledWhen(lambda: bool(loads)))
    assert stream.closed.is_set()


@pytest.mark.parametrize("has_python", [True, False])
def test_a_real_machine_for_two_samples(has_python):
    loads = []
    before = set(psutil.Process().children(recursive=True))
    started = time.monotonic()
    with pytest.raises(Cancelled):
        watch_load(HereShell(), MACHINE, has_python, loads.append, CancelledWhen(lambda: len(loads) >= 2))
    assert time.monotonic() - started < 15
    assert loads[0].cpu_busy_fraction is None
    assert loads[1].cpu_busy_fraction is not None
    assert 1.5 < loads[1].taken_at_seconds - loads[0].taken_at_seconds < 10
    assert loads[1].network_sent_bytes_per_second is not None
    assert set(psutil.Process().children(recursive=True)) <= before
