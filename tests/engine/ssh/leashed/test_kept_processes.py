"""What is made of a machine's list. With real programs: ``test_keep_programs``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import ProbeFailed, ProbeTimedOut
from engine.remote_ports import CommandOutput
from engine.ssh.leashed.kept_processes import kept_processes
from tests.fakes.ssh.local_shell import LocalShell

RECORD = {"name": "0123456789abcdef", "process_id": "worker", "pid": 12, "argv": ["a"], "started_by": "ada@laptop"}


class SayingShell(LocalShell):
    """Answers every command with the same."""

    def __init__(self, said: bytes) -> None:
        super().__init__()
        self._said = said

    def run(self, command: str, **more: object) -> CommandOutput:
        return CommandOutput(exit_code=0, stdout=self._said, stderr=b"")


def test_a_list_is_read_after_a_greeting() -> None:
    [kept] = kept_processes(SayingShell(b"Welcome!\n" + json.dumps([{**RECORD, "more": 1}]).encode() + b"\n"), "/data")
    assert (kept.name, kept.pid, kept.argv, kept.started_by) == ("0123456789abcdef", 12, ("a",), "ada@laptop")


@pytest.mark.parametrize("said", [b"", b"nonsense", b"{}", b"[1]", b'[{"name": 1}]', b"[" * 100_000])
def test_nonsense_is_one_error(said: bytes) -> None:
    with pytest.raises(ProbeFailed, match="test-machine"):
        kept_processes(SayingShell(said), "/data")


def test_one_that_does_not_answer_in_time_may_answer_later() -> None:
    shell = LocalShell()
    shell.run = lambda *_, **__: CommandOutput(exit_code=None, stdout=b"", stderr=b"", timed_out=True)  # type: ignore[method-assign]
    with pytest.raises(ProbeTimedOut, match="test-machine did not say within 20 s"):
        kept_processes(shell, "/data")


@pytest.mark.parametrize("changed", [{"name": "../../etc/passwd"}, {"name": ""}, {"pid": 1}, {"pid": -5}])
def test_a_record_that_is_none_of_ours_is_left_out(changed: dict[str, object]) -> None:
    assert kept_processes(SayingShell(json.dumps([{**RECORD, **changed}]).encode()), "/data") == ()


def test_what_would_be_shown_holds_no_control_characters() -> None:
    said = json.dumps([{**RECORD, "started_by": "\x1b[2J", "argv": ["a\nb"]}]).encode()
    [kept] = kept_processes(SayingShell(said), "/data")
    assert (kept.started_by, kept.argv) == ("?[2J", ("a?b",))


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    assert kept_processes(LocalShell(), str(tmp_path / "none")) == ()
