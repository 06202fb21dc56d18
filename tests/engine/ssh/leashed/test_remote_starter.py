"""Programs on a leash, with real processes through a local shell. Over a real sshd: ``test_over_real_sshd``."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.errors import ProcessFailed
from engine.ssh.leashed.remote_process import RemoteProcess
from engine.ssh.leashed.remote_starter import RemoteProcessStarter
from engine.vocabulary.running.process import ConnectionLoss, ProcessId, ProcessOutcome, ProcessSpec
from tests.fakes.ended_processes import ends
from tests.fakes.ssh.local_shell import LocalShell, LocalStream

WAIT_SECONDS = 30.0
STRANGE = ("a b", "$HOME", "it's", 'say "hi"', "new\nline\n", "Grüße, 世界", "\\n\\", "", "!!", "*", "-n", "`id`", "\udcff")


def ignore(_: object) -> None:
    """A callback that does nothing."""


@pytest.fixture
def shell() -> LocalShell:
    return LocalShell()


@pytest.fixture(params=["python", "sh is dash", "sh is bash"])
def starter(
    request: pytest.FixtureRequest, shell: LocalShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RemoteProcessStarter:
    if request.param == "sh is bash":
        bash = shutil.which("bash")
        assert bash, "there is no bash on this machine"
        (tmp_path / "sh").symlink_to(bash)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return RemoteProcessStarter(shell, has_python=request.param == "python", machine_name="node")


class Started:
    """A program and all that was reported of it."""

    def __init__(self, starter: RemoteProcessStarter, *argv: str, **more: object) -> None:
        self.lines: list[str] = []
        self.outcomes: list[ProcessOutcome] = []
        self._spoke, self._ended = threading.Event(), threading.Event()
        spec = ProcessSpec(id=ProcessId("test"), argv=argv, **more)
        self.process: RemoteProcess = starter.start(spec, self._on_line, self._on_exit)

    def _on_line(self, line: str) -> None:
        self.lines.append(line)
        self._spoke.set()

    def _on_exit(self, outcome: ProcessOutcome) -> None:
        self.outcomes.append(outcome)
        self._ended.set()

    def first_line(self) -> str:
        assert self._spoke.wait(WAIT_SECONDS)
        return self.lines[0]

    def wait(self) -> ProcessOutcome:
        assert self._ended.wait(WAIT_SECONDS), self.process.tail()
        return self.outcomes[0]


def wait_until(true: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(true() or pause.wait(0.02) for _ in range(500))


def test_arguments_and_environment_arrive_unchanged(starter: RemoteProcessStarter, tmp_path: Path) -> None:
    script = 'for word in "$@" "$CROSSPLY_TEST"; do printf "%s\\0" "$word"; done >seen; pwd; echo "$HOME"'
    started = Started(
        starter, "/bin/sh", "-c", script, "sh", *STRANGE, environment=(("CROSSPLY_TEST", "'$x\nü"),), folder=str(tmp_path)
    )
    assert started.wait().exit_code == 0
    seen = (tmp_path / "seen").read_bytes().decode("utf-8", "surrogateescape").split("\0")
    assert tuple(seen) == (*STRANGE, "'$x\nü", "")
    assert started.lines == [str(tmp_path), os.environ["HOME"]]


def test_the_program_sees_no_leash(starter: RemoteProcessStarter) -> None:
    started = Started(starter, "/bin/grep", "SigIgn", "/proc/self/status")
    assert started.wait().exit_code == 0
    ignored = int(started.lines[0].split()[1], 16)
    assert ignored >> (signal.SIGPIPE - 1) & 1
    assert not ignored >> (signal.SIGTERM - 1) & 1
    descriptors = Started(starter, "/bin/sh", "-c", "ls -l /proc/self/fd | grep -c pipe; read -r x || echo no input")
    descriptors.wait()
    assert descriptors.lines == ["2", "no input"]  # of `ls | grep`: stdout and stderr


def test_the_pid_is_the_program_s_own(starter: RemoteProcessStarter) -> None:
    started = Started(starter, "/bin/sh", "-c", "echo $$; exec sleep 60")
    assert started.first_line() == str(started.process.pid)
    assert os.getpgid(started.process.pid) != os.getpgid(0)
    started.process.stop()


def test_what_the_program_leaves_behind_ends_with_it(starter: RemoteProcessStarter) -> None:
    started = Started(starter, "/bin/sh", "-c", "sleep 60 & echo $!; exit 5")
    assert started.wait().exit_code == 5
    assert ends(int(started.lines[0]))


def test_the_ladder_reaches_descendants(starter: RemoteProcessStarter) -> None:
    started = Started(starter, "/bin/sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait; wait; sleep 60")
    pid = int(started.first_line())
    assert started.process.stop(grace_seconds=0.1).rung == "killed"
    assert ends(pid)


def test_it_may_be_stopped_from_its_own_pump_thread(starter: RemoteProcessStarter) -> None:
    stopped: list[ProcessOutcome] = []
    ready, done = threading.Event(), threading.Event()
    holder: list[RemoteProcess] = []

    def stop_it(line: str) -> None:
        ready.wait(WAIT_SECONDS)
        stopped.append(holder[0].stop())
        done.set()

    spec = ProcessSpec(id=ProcessId("test"), argv=("/bin/sh", "-c", "echo here; exec sleep 60"))
    holder.append(starter.start(spec, stop_it, ignore))
    ready.set()
    assert done.wait(WAIT_SECONDS)
    assert stopped == [ProcessOutcome(exit_code=-15, stop_asked=True, rung="asked")]


def test_a_lost_connection_is_an_unknown_end_and_the_program_ends(starter: RemoteProcessStarter, shell: LocalShell) -> None:
    started = Started(starter, "/bin/sh", "-c", "trap '' TERM; echo here; while :; do sleep 60; done")
    started.first_line()
    pid = started.process.pid
    os.kill(shell.streams[0].process.pid, signal.SIGKILL)  # the leash itself, which is what sshd started
    if starter._has_python:
        assert started.wait() == ProcessOutcome(exit_code=None, stop_asked=False, loss=ConnectionLoss.LEASH)
    shell.streams[0].close()
    assert ends(pid)
    assert started.wait() == ProcessOutcome(exit_code=None, stop_asked=False, loss=ConnectionLoss.LEASH)
    assert not started.process.is_alive()
    assert started.process.tail() == ("here",)
    assert started.process.stop() == started.outcomes[0]
    assert len(started.outcomes) == 1


def test_the_end_of_its_stdin_lets_go(starter: RemoteProcessStarter, shell: LocalShell) -> None:
    started = Started(
        starter, "/bin/sh", "-c", "trap 'echo asked; exit 3' TERM; echo here; while :; do sleep 0.05; done 2>/dev/null"
    )
    started.first_line()
    shell.streams[0].close_input()
    assert started.wait().exit_code == 3
    assert started.lines == ["here", "asked"]


def test_a_leash_that_hangs_is_killed_over_a_second_channel(
    starter: RemoteProcessStarter, shell: LocalShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.ssh.leashed.remote_process.TERMINATE_SECONDS", 0.1)
    monkeypatch.setattr("engine.ssh.leashed.remote_process._LEASH_KILL_SECONDS", 0.1)
    started = Started(starter, "/bin/sh", "-c", "echo here; exec sleep 60")
    started.first_line()
    for process in (
        psutil.Process(shell.streams[0].process.pid),
        *psutil.Process(shell.streams[0].process.pid).children(True),
    ):
        process.suspend()
    outcome = started.process.stop(grace_seconds=0.1)
    assert outcome == ProcessOutcome(exit_code=None, stop_asked=True, rung="killed")
    assert ends(started.process.pid)


@pytest.mark.parametrize(
    ("name", "content", "mode", "words"),
    [
        ("gone", None, 0, "there is no program"),
        ("plain", b"text", 0o644, "may not be run"),
        ("foreign", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x5e\x00" + bytes(200), 0o755, "is not a program for"),
        ("loaderless", b"#!/no/such/interpreter\n", 0o755, "needs a loader"),
    ],
)
def test_a_program_that_cannot_start_is_one_sentence(
    starter: RemoteProcessStarter, tmp_path: Path, name: str, content: bytes | None, mode: int, words: str
) -> None:
    program = tmp_path / name
    if content is not None:
        program.write_bytes(content)
        program.chmod(mode)
    with pytest.raises(ProcessFailed, match=f"^Could not start test on node: .*{words}") as error:
        Started(starter, str(program))
    assert str(program) in error.value.happened


def test_a_missing_folder_is_named(starter: RemoteProcessStarter) -> None:
    with pytest.raises(ProcessFailed, match="on node: there is no folder /no/such/folder"):
        Started(starter, "/bin/true", folder="/no/such/folder")


def test_a_name_without_a_slash_is_looked_for_in_the_path(starter: RemoteProcessStarter) -> None:
    assert Started(starter, "true").wait().exit_code == 0
    with pytest.raises(ProcessFailed, match="there is no program no-such-program"):
        Started(starter, "no-such-program")


def test_a_machine_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    fake_shell = tmp_path / "nologin"
    fake_shell.write_text("#!/bin/sh\necho This account is closed.\n")
    fake_shell.chmod(0o755)
    starter = RemoteProcessStarter(LocalShell(program=str(fake_shell)), has_python=True)
    with pytest.raises(ProcessFailed, match="nothing answered there: This account is closed"):
        Started(starter, "/bin/true")


def test_a_machine_whose_login_shell_has_ended_already_says_what_it_said(tmp_path: Path) -> None:
    class Ended(LocalShell):
        def open(self, command: str) -> LocalStream:
            stream = super().open(command)
            stream.exit_code(5.0)
            return stream

    fake_shell = tmp_path / "nologin"
    fake_shell.write_text("#!/bin/sh\necho This account is closed.\n")
    fake_shell.chmod(0o755)
    with pytest.raises(ProcessFailed, match="nothing answered there: This account is closed"):
        Started(RemoteProcessStarter(Ended(program=str(fake_shell)), has_python=True), "/bin/true")


def test_a_leash_that_never_speaks_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    fake_shell = tmp_path / "hangs"
    fake_shell.write_text("#!/bin/sh\nexec cat >/dev/null\n")
    fake_shell.chmod(0o755)
    starter = RemoteProcessStarter(LocalShell(program=str(fake_shell)), has_python=True, answer_seconds=0.3)
    with pytest.raises(ProcessFailed, match="nothing answered there"):
        Started(starter, "/bin/true")


def test_no_thread_process_or_descriptor_is_left(starter: RemoteProcessStarter) -> None:
    threads = threading.active_count()
    Started(starter, "/bin/true").wait()
    assert wait_until(lambda: threading.active_count() <= threads)
    descriptors = psutil.Process().num_fds()
    for _ in range(5):
        Started(starter, "/bin/true").wait()
    assert wait_until(lambda: threading.active_count() <= threads)
    assert psutil.Process().num_fds() <= descriptors
    assert wait_until(lambda: psutil.Process().children() == [])
