"""What every ``ProcessStarter`` promises: the fake, this machine's with real programs (POSIX ``sh``), and the remote one
with both kinds of leash through a real sshd."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from engine.errors import ProcessFailed
from engine.ports import ProcessStarter, RunningProcess
from engine.processes.local_process import LocalProcessStarter
from engine.remote_ports import RemoteShell
from engine.ssh.leashed.remote_starter import RemoteProcessStarter
from engine.vocabulary.running.process import ProcessCondition, ProcessId, ProcessOutcome, ProcessSpec
from tests.fakes.ports.fake_process_starter import FakeProcess, FakeProcessStarter, FakeProgram
from tests.fakes.ssh.private_sshd import private_sshd
from tests.fakes.ssh.ssh_accounts import an_account

WAIT_SECONDS = 30.0
CHATTY_LINES = 100_000

REAL_SCRIPTS = {
    "streams": "echo one; echo two >&2; echo three",
    "exits-7": "echo no; exit 7",
    "ignores-term": "trap '' TERM; echo deaf; while :; do sleep 60; done",
    "runs": "echo running; exec sleep 60",
    "dies-at-once": "exit 0",
    "chatty": f"seq {CHATTY_LINES}",
    "partial-last-line": "echo whole; printf partial",
    "invalid-utf8": r"printf 'a\377b\n'",
}
FAKE_PROGRAMS = {
    "streams": FakeProgram(lines=("one", "two", "three"), exit_code=0),
    "exits-7": FakeProgram(lines=("no",), exit_code=7),
    "ignores-term": FakeProgram(lines=("deaf",), ignores_term=True),
    "runs": FakeProgram(lines=("running",)),
    "dies-at-once": FakeProgram(exit_code=0),
    "chatty": FakeProgram(lines=tuple(str(number) for number in range(1, CHATTY_LINES + 1)), exit_code=0),
    "partial-last-line": FakeProgram(lines=("whole", "partial"), exit_code=0),
    "invalid-utf8": FakeProgram(lines=("a\N{REPLACEMENT CHARACTER}b",), exit_code=0),
}


@dataclass
class Watched:
    """A started program and all that was reported of it."""

    lines: list[str] = field(default_factory=list)
    outcomes: list[ProcessOutcome] = field(default_factory=list)
    lines_at_exit: int = -1
    first_line: threading.Event = field(default_factory=threading.Event)
    exited: threading.Event = field(default_factory=threading.Event)
    process: RunningProcess | None = None

    def on_line(self, line: str) -> None:
        self.lines.append(line)
        self.first_line.set()

    def on_exit(self, outcome: ProcessOutcome) -> None:
        self.lines_at_exit = len(self.lines)
        self.outcomes.append(outcome)
        self.exited.set()

    @property
    def running(self) -> RunningProcess:
        assert self.process is not None
        return self.process

    def wait(self) -> ProcessOutcome:
        assert self.exited.wait(WAIT_SECONDS), f"it did not end; its output: {self.running.tail()}"
        return self.outcomes[0]


Run = Callable[[str], Watched]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteShell]:
    """Through a real sshd."""
    account = an_account(tmp_path_factory.mktemp("person") / "home")
    with private_sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        connected = account.connect_anyway(account.add_host("lab", sshd))
        yield connected
        connected.close()


@pytest.fixture(params=["fake", "this machine", "python leash", "sh leash"])
def starter(request: pytest.FixtureRequest, shell: RemoteShell) -> ProcessStarter:
    makers: dict[str, Callable[[], ProcessStarter]] = {
        "fake": lambda: FakeProcessStarter(FAKE_PROGRAMS),
        "this machine": LocalProcessStarter,
        "python leash": lambda: RemoteProcessStarter(shell, has_python=True),
        "sh leash": lambda: RemoteProcessStarter(shell, has_python=False),
    }
    return makers[request.param]()


@pytest.fixture
def run(starter: ProcessStarter) -> Run:
    def start(program: str) -> Watched:
        fake = isinstance(starter, FakeProcessStarter)
        argv = (program,) if fake else ("/bin/sh", "-c", REAL_SCRIPTS.get(program, ""))
        if program == "missing":
            argv = ("/no/such/program",)
        watched = Watched()
        watched.process = starter.start(ProcessSpec(id=ProcessId(program), argv=argv), watched.on_line, watched.on_exit)
        return watched

    return start


def test_it_streams_every_line_with_stderr_merged(run: Run) -> None:
    watched = run("streams")
    watched.wait()
    assert watched.lines == ["one", "two", "three"]
    assert watched.running.tail() == ("one", "two", "three")


def test_the_exit_comes_once_after_the_last_line(run: Run) -> None:
    watched = run("streams")
    watched.wait()
    watched.running.stop()
    assert (len(watched.outcomes), watched.lines_at_exit) == (1, 3)


def test_an_exit_status_is_reported_as_it_is(run: Run) -> None:
    watched = run("exits-7")
    assert watched.wait() == ProcessOutcome(exit_code=7, stop_asked=False)
    assert watched.running.outcome() == watched.outcomes[0]
    assert not watched.running.is_alive()


def test_status_0_that_nobody_asked_for_is_told_apart(run: Run) -> None:
    assert run("dies-at-once").wait() == ProcessOutcome(exit_code=0, stop_asked=False)


def test_a_running_program_has_no_outcome_and_ends_when_asked(run: Run) -> None:
    watched = run("runs")
    assert watched.first_line.wait(WAIT_SECONDS)
    assert watched.running.is_alive()
    assert watched.running.outcome() is None
    assert watched.running.pid > 0
    outcome = watched.running.stop()
    assert outcome == ProcessOutcome(exit_code=-15, stop_asked=True, rung="asked")
    assert watched.wait() == outcome


def test_stopping_twice_gives_the_same_outcome(run: Run) -> None:
    watched = run("runs")
    assert watched.running.stop() == watched.running.stop()
    assert watched.wait().stop_asked


def test_stopping_what_ended_by_itself_does_not_claim_it(run: Run) -> None:
    watched = run("exits-7")
    watched.wait()
    assert watched.running.stop() == ProcessOutcome(exit_code=7, stop_asked=False)


def test_a_program_that_ignores_term_is_killed(run: Run) -> None:
    watched = run("ignores-term")
    assert watched.first_line.wait(WAIT_SECONDS)
    assert watched.running.stop(grace_seconds=0.1) == ProcessOutcome(exit_code=-9, stop_asked=True, rung="killed")
    assert watched.wait().rung == "killed"


def test_a_missing_program_is_one_sentence(run: Run) -> None:
    where = "( on [^ ]+)?"
    with pytest.raises(
        ProcessFailed, match=rf"^Could not start missing{where}: there is no program /no/such/program\."
    ) as error:
        run("missing")
    assert error.value.advice


def test_a_chatty_program_never_stalls_and_the_tail_is_bounded(run: Run) -> None:
    watched = run("chatty")
    assert watched.wait().exit_code == 0
    assert watched.lines == [str(number) for number in range(1, CHATTY_LINES + 1)]
    assert watched.running.tail() == tuple(watched.lines[-500:])


def test_a_last_line_without_an_end_is_not_lost(run: Run) -> None:
    watched = run("partial-last-line")
    watched.wait()
    assert watched.lines == ["whole", "partial"]


def test_bytes_that_are_not_utf8_are_replaced(run: Run) -> None:
    watched = run("invalid-utf8")
    watched.wait()
    assert watched.lines == ["a\N{REPLACEMENT CHARACTER}b"]


def test_a_running_program_is_in_no_bad_condition(run: Run) -> None:
    watched = run("runs")
    assert watched.first_line.wait(WAIT_SECONDS)
    assert watched.running.condition() is ProcessCondition.RUNNING
    watched.running.stop()
    assert watched.running.condition() is not ProcessCondition.RUNNING


def test_a_program_that_was_stopped_by_a_signal_is_told(run: Run) -> None:
    watched = run("runs")
    assert watched.first_line.wait(WAIT_SECONDS)
    if isinstance(watched.running, FakeProcess):
        watched.running.is_in = ProcessCondition.STOPPED
    else:
        os.kill(watched.running.pid, signal.SIGSTOP)
    deadline = time.monotonic() + WAIT_SECONDS
    while watched.running.condition() is not ProcessCondition.STOPPED:  # a signal takes a moment
        assert time.monotonic() < deadline
    watched.running.stop(grace_seconds=0.1)
