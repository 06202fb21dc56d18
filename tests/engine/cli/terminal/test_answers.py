"""Questions of machines: answered by the exact fingerprint or by a person, never by default."""

import os
import signal

import pytest

from engine.cli.main import main
from engine.cli.terminal import answers, exit_codes
from engine.errors import HostKeyUnknown, SecretNeeded
from engine.vocabulary.remote import SecretKind, SecretQuestion
from tests.fakes.sessions.cli_lab import FINGERPRINT, KEY, CliLab

NODE = ["node", "--machine", "ada@one"]


@pytest.fixture
def lab(monkeypatch):
    made = CliLab(monkeypatch)
    made.fakes.add_remote("one")
    return made


def asks_for_key(lab):
    lab.fakes.connector.raises["one"] = [HostKeyUnknown("Never seen.", KEY)]


def asks_for_secrets(lab, n=1):
    lab.fakes.connector.raises["one"] = [
        SecretNeeded(
            "Needed.",
            SecretQuestion(kind=SecretKind.PASSWORD, prompt="Password of ada on one\x1b[2J:", wrong_before=index > 0),
        )
        for index in range(n)
    ]


def test_without_a_terminal_an_unknown_key_ends_the_command(lab, capsys):
    asks_for_key(lab)
    assert main(NODE) == exit_codes.NEEDS_ANSWER
    err = capsys.readouterr().err
    assert f"--accept-host-key {FINGERPRINT}" in err
    assert "Traceback" not in err
    assert lab.fakes.connector.accepted == []
    assert len(lab.fakes.connector.logins) == 1


def test_exactly_that_fingerprint_is_accepted(lab):
    asks_for_key(lab)
    assert main([*NODE, "--accept-host-key", FINGERPRINT]) == exit_codes.OK
    assert lab.fakes.connector.accepted == [KEY]


def test_another_fingerprint_accepts_nothing(lab):
    asks_for_key(lab)
    assert main([*NODE, "--accept-host-key", FINGERPRINT[:-1] + "b"]) == exit_codes.NEEDS_ANSWER
    assert lab.fakes.connector.accepted == []


def test_a_person_who_says_yes(lab, capsys):
    asks_for_key(lab)
    lab.terminal("\n", "y\n", " YES \n")
    assert main([*NODE, "--json"]) == exit_codes.OK
    assert lab.fakes.connector.accepted == [KEY]
    captured = capsys.readouterr()
    assert FINGERPRINT in captured.err
    assert captured.err.count("Please type yes or no.") == 2, "nothing short of it"
    assert captured.out.startswith("{"), "stdout is one document"


@pytest.mark.parametrize("typed", [("no\n",), ()])
def test_a_person_who_says_no_or_nothing(lab, capsys, typed):
    asks_for_key(lab)
    lab.terminal(*typed)
    assert main(NODE) == exit_codes.FAILED
    assert lab.fakes.connector.accepted == []
    assert "did not accept the key" in capsys.readouterr().err


def test_a_password_is_typed_and_shown_nowhere(lab, capsys):
    asks_for_secrets(lab, 2)
    lab.terminal(secrets=("hunter1", "hunter2"))
    assert main([*NODE, "--json"]) == exit_codes.OK
    captured = capsys.readouterr()
    assert "That was not accepted." in captured.err
    assert "hunter" not in captured.err + captured.out + repr(lab.sessions[0].snapshot())
    assert [secret.value for secret in lab.fakes.connector.logins[-1][1]] == ["hunter1", "hunter2"]
    assert {secret.prompt for secret in lab.fakes.connector.logins[-1][1]} == {"Password of ada on one\x1b[2J:"}


def test_the_prompt_cannot_move_the_cursor(lab, monkeypatch):
    asks_for_secrets(lab)
    lab.terminal()
    prompts = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: prompts.append(prompt) or "x")
    assert main(NODE) == exit_codes.OK
    assert prompts == ["Password of ada on one [2J: "]


def test_three_wrong_passwords_are_enough(lab, capsys):
    asks_for_secrets(lab, 9)
    lab.terminal(secrets=("a", "b", "c", "d"))
    assert main(NODE) == exit_codes.FAILED
    assert len(lab.fakes.connector.logins) == 4
    assert "did not accept what was typed" in capsys.readouterr().err


def test_a_password_without_a_terminal_ends_the_command(lab, capsys):
    asks_for_secrets(lab)
    assert main(NODE) == exit_codes.NEEDS_ANSWER
    assert "asks for a password, and there is no terminal" in capsys.readouterr().err


def test_ctrl_c_ends_a_prompt(lab, monkeypatch):
    asks_for_key(lab)
    lab.terminal()
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("sys.stdin.readline", lambda: os.kill(os.getpid(), signal.SIGINT) or "no\n", raising=False)
    assert main(NODE) == exit_codes.INTERRUPTED
    assert signal.getsignal(signal.SIGINT) == before


def test_a_pipe_is_no_terminal(monkeypatch):
    assert answers.is_terminal() is False
