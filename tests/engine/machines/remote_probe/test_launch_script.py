from __future__ import annotations

import os

import pytest

from engine.errors import ProbeFailed, ProbeTimedOut
from engine.machines.remote_probe.launch_script import COMMAND, between, launch_script, new_nonce, run_program
from engine.remote_ports import CommandOutput
from tests.engine.machines.remote_probe.here_shell import HereShell


def program(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def answer(shell):
    return run_program(shell, "ports", ("127.0.0.1", "0"), timeout_seconds=30, token=None).strip()


def test_python_is_used_where_there_is_one():
    assert answer(HereShell()) == b'{"format": 1, "free": []}'


@pytest.mark.parametrize(
    "instead",
    ["exit 127", "echo 'Python 2.7'; exit 1", "printf '\\nhalf of it'; exit 1"],
    ids=["broken", "too old", "breaks off"],
)
def test_the_shell_goes_on_where_python_fails(tmp_path, instead):
    assert answer(HereShell(path=program(tmp_path / "bin", "python3", instead))) == b'{"format":1,"free":[]}'


def test_it_is_one_round_trip_and_the_command_line_needs_no_quoting():
    shell = HereShell()
    answer(shell)
    assert shell.calls == 1
    assert COMMAND == "exec sh"


def test_what_the_login_shell_prints_is_no_answer(tmp_path):
    program(tmp_path / "bin", "noisy", 'echo "Welcome!"; echo \'{"format":1,"free":[1]}\'; shift; eval "$1"; echo bye')
    assert answer(HereShell(login_shell=(str(tmp_path / "bin/noisy"),))) == b'{"format": 1, "free": []}'


def test_half_a_script_starts_nothing(tmp_path):
    script = launch_script("ports", ("N", "127.0.0.1", "0"))
    for length in range(0, len(script) - 3, 97):
        done = HereShell().run("exec sh", stdin=script[:length], timeout_seconds=30)
        assert b"N" not in done.stdout


def test_arguments_are_quoted(tmp_path):
    for with_python in (True, False):
        nonce = f"$(touch {tmp_path}/made) '`\""
        script = launch_script("ports", (nonce, "127.0.0.1", "0"), with_python=with_python)
        done = HereShell().run("exec sh", stdin=script, timeout_seconds=30)
        assert nonce.encode() in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (b"\nN\nanswer\nN\n", b"answer"),
        (b"noise\nN\nanswer\nN\nmore", b"answer"),
        (b"\nN\nhalf\nN\nwhole\nN\n", b"whole"),
        (b"\nN\nhalf", None),
        (b"", None),
    ],
)
def test_the_answer_stands_between_nonces(output, expected):
    assert between(output, "N") == expected


def test_nonces_differ():
    assert len({new_nonce() for _ in range(50)}) == 50


class Says(HereShell):
    def __init__(self, output):
        super().__init__()
        self.output = output

    def run(self, command, **options):
        return self.output


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (CommandOutput(exit_code=None, stdout=b"", stderr=b"", timed_out=True), "did not answer within 25 s"),
        (CommandOutput(exit_code=127, stdout=b"", stderr=b"exec: not found"), "did not answer when it was asked"),
        (CommandOutput(exit_code=0, stdout=b"y\n" * (1 << 19), stderr=b""), "said far too much"),
    ],
)
def test_no_answer_is_one_sentence(output, sentence):
    with pytest.raises(ProbeFailed, match=rf"^ada@10\.0\.0\.7 {sentence}") as caught:
        run_program(Says(output), "look", (), timeout_seconds=25, token=None)
    assert caught.value.advice
    assert isinstance(caught.value, ProbeTimedOut) == output.timed_out
