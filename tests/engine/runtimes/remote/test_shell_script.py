"""A shell program of ours on another machine, and an answer that is believed only when it is whole."""

import random
from dataclasses import replace

import psutil
import pytest

from engine.errors import ProbeFailed, ProbeTimedOut
from engine.remote_ports import CommandOutput
from engine.runtimes.remote.shell_script import plain_text, run_script, text_of
from tests.engine.runtimes.remote.shell_here import ShellHere


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path)


def _run(shell, body, *arguments):
    return run_script(shell, body, arguments, timeout_seconds=20.0)


@pytest.mark.parametrize("login_shell", ["sh", "bash"])
def test_arguments_are_words_and_never_program(tmp_path, login_shell):
    odd = """a 'b' "c" $(touch x) `touch y`; touch z & \\ * !"""
    said = _run(ShellHere(tmp_path, login_shell=login_shell), 'say got; printf "%s|" "$@"', odd, "", "-n")
    assert text_of(said, "got") == f"{odd}||-n|"
    assert list(tmp_path.iterdir()) == []


def test_a_greeting_before_is_passed_over(shell):
    shell.answers = lambda said: b"Welcome to gpu-node!\ncrossply-0 got\n" + said
    assert text_of(_run(shell, "say got; echo yes"), "got") == "yes"


def test_a_program_cannot_make_sections(shell):
    said = _run(shell, "say got; printf 'crossply- other\\nx\\n'")
    assert [section.key for section in said] == ["got"]


@pytest.mark.parametrize(
    "spoil", [lambda said: said[:-5], lambda said: b"", lambda said: b"\xff" * 100_000, lambda said: said + b"\nmore"]
)
def test_an_answer_that_is_not_whole_is_none(shell, spoil):
    shell.answers = spoil
    if spoil(b"x" * 10).endswith(b"more"):
        assert _run(shell, "say got; echo yes")  # what comes after the end is not looked at
        return
    with pytest.raises(ProbeFailed, match="gpu-node"):
        _run(shell, "say got; echo yes")


def test_no_answer_in_time_is_said(shell):
    shell.run = lambda *_, **__: CommandOutput(exit_code=None, stdout=b"", stderr=b"", timed_out=True)
    with pytest.raises(ProbeTimedOut, match="20 seconds"):
        _run(shell, "say got")


def test_control_characters_do_not_come_through(shell):
    assert text_of(_run(shell, "say got; printf 'a\\033[31mb\\000\\007c\\td\\n'"), "got") == "a[31mbc\td"
    assert plain_text("a\u202eb") == "ab"


@pytest.mark.parametrize("login_shell", ["sh", "bash"])
def test_a_program_that_does_not_end_is_ended(tmp_path, login_shell):
    said = _run(ShellHere(tmp_path, login_shell=login_shell), "say got; limited 1 sleep 60; echo status $?")
    assert "did not end within 1 seconds" in text_of(said, "got")
    assert "status 137" in text_of(said, "got")


def test_a_program_that_ends_is_not_waited_for(shell):
    said = _run(shell, "say got; limited 500 sh -c 'echo out; echo err >&2; exit 3'; echo status $?")
    assert set(text_of(said, "got").split("\n")) == {"out", "err", "status 3"}


@pytest.mark.parametrize("login_shell", ["sh", "bash"])
def test_its_time_limit_ends_with_the_program(tmp_path, login_shell):
    """Told to end at once, the shell that sleeps left its ``sleep`` in every twentieth run."""
    seconds = f"{random.uniform(500, 600):.6f}"
    body = "say got; i=0; while [ $i -lt 200 ]; do limited SECONDS true; i=$((i + 1)); done"
    _run(ShellHere(tmp_path, login_shell=login_shell), body.replace("SECONDS", seconds))
    left = [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", seconds]]
    for process in left:
        process.kill()
    assert left == []


def test_programs_cannot_eat_the_script(shell):
    assert text_of(_run(shell, "say got; limited 5 cat; cat; echo yes"), "got") == "yes"


def test_the_login_shell_sees_one_line(shell):
    _run(shell, "say got\necho yes", "x")
    assert all("\n" not in command for command in shell.commands)


def test_sections_are_found_by_name(shell):
    said = _run(shell, "say one; echo 1; say two; echo 2")
    assert text_of(said, "two") == "2"
    assert text_of(said, "three") == ""
    assert replace(said[0], key="x").text == "1"
