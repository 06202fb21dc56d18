"""The steps of a build: lines, deadline, progress from ninja's and make's counts."""

import pytest

from engine.errors import MachineUnreachable, ProcessFailed, RuntimeUnavailable
from engine.runtimes.remote.building.build_steps import StepCounter, StepRunner
from engine.vocabulary.running.process import ProcessOutcome
from tests.fakes.cancel_tokens import NeverCancelled


class Starter:
    """Its program prints ``lines`` and ends with ``code``; ``"never"``: it does not end."""

    def __init__(self, code, *lines):
        self.code, self.lines, self.stopped = code, lines, False

    def start(self, spec, on_line, on_exit):
        self.spec = spec
        for line in self.lines:
            on_line(line)
        if self.code != "never":
            on_exit(ProcessOutcome(exit_code=self.code, stop_asked=False))
        return self

    def stop(self):
        self.stopped = True


def _run(starter, *, deadline_seconds=60.0):
    steps = StepRunner(starter, "gpu-node", lambda: None, NeverCancelled(), folder="/data/work")
    steps.run("tar", ("tar", "x"), deadline_seconds=deadline_seconds)
    return steps


def test_what_it_prints_is_kept_bounded_and_plain():
    steps = _run(Starter(0, *(f"line {n}" for n in range(1000)), "\x1b[31mred", "x" * 5000))
    lines = steps.log.splitlines()
    assert len(lines) == 400
    assert lines[-2:] == ["[31mred", "x" * 2000]


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [
        (2, "tar: No space left on device", "the disk is full."),
        (1, "c++: fatal error: Killed signal terminated program cc1plus", "memory ran out"),
        (1, "x.cpp:1: error: nothing", "tar ended with status 1. x.cpp:1: error: nothing"),
    ],
)
def test_a_failure_says_why_and_where_the_log_is(code, line, said):
    with pytest.raises(RuntimeUnavailable, match="could not be built on gpu-node: .*" + said) as caught:
        _run(Starter(code, line))
    assert "/data/work/build.log" in caught.value.advice
    assert caught.value.details == line


def test_a_lost_connection():
    with pytest.raises(MachineUnreachable, match="lost while tar ran"):
        _run(Starter(None))


def test_a_deadline_ends_it():
    starter = Starter("never")
    with pytest.raises(ProcessFailed, match="did not end in time on gpu-node"):
        _run(starter, deadline_seconds=0.0)
    assert starter.stopped


def test_progress_is_never_backwards(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr("engine.runtimes.remote.building.build_steps.time.monotonic", lambda: next(ticks))
    told = []
    counter = StepCounter(lambda *what: told.append(what), "gpu-node", 0.0, 0.5)
    for line in (
        "[1/4] Building C object a/b/CMakeFiles/x.dir/y.c.o",
        "-- not a step",
        "[1/8] Linking C executable bin/z",
        "[ 75%] Building C object q/w.c.o",
        "[4/4] done",
    ):
        counter.hear(line)
    assert told == [
        (0.125, "1 of 4: y.c on gpu-node"),
        (0.125, "1 of 8: z on gpu-node"),
        (0.375, "75 %: w.c on gpu-node"),
        (0.5, "4 of 4: done on gpu-node"),
    ]


def test_progress_is_told_five_times_a_second(monkeypatch):
    monkeypatch.setattr("engine.runtimes.remote.building.build_steps.time.monotonic", lambda: 7.0)
    told = []
    counter = StepCounter(lambda *what: told.append(what), "gpu-node", 0.0, 1.0)
    for n in range(1, 101):
        counter.hear(f"[{n}/100] step")
    assert [fraction for fraction, _ in told] == [0.01, 1.0]
