"""Waiting for machines: ready, or one sentence why not."""

from dataclasses import replace

import pytest

from engine.cli.main import main
from engine.cli.terminal import exit_codes, foreground
from engine.errors import HostKeyChanged, MachineUnreachable, RuntimeUnavailable
from engine.vocabulary.remote import RemoteRuntime
from tests.fakes.sessions.cli_lab import OTHER_COMMIT, CliLab
from tests.fakes.sessions.fake_outside import MODEL


@pytest.fixture
def lab(monkeypatch):
    made = CliLab(monkeypatch)
    monkeypatch.setattr("engine.cli.terminal.options.model_path", lambda given: given)
    return made


PLAN = ["plan", MODEL, "--policy", "even", "--machine", "ada@one"]


def test_a_machine_that_is_ready_is_planned_with(lab, capsys):
    lab.fakes.add_remote("one")
    assert main(PLAN) == exit_codes.OK
    out = capsys.readouterr().out
    assert "8 layers on 2 workers of 2 machines" in out
    assert "# this machine: tunnel to one" in out
    assert lab.fakes.connector.machines["one"].closed, "let go of at the end"


def test_one_that_refuses_is_a_sentence(lab, capsys):
    lab.fakes.connector.raises["one"] = [HostKeyChanged("Another key\x1b[31m is shown.", advice="Ask.")]
    assert main(PLAN) == exit_codes.FAILED
    assert "ada@one: Another key [31m is shown. Ask." in capsys.readouterr().err


def test_one_that_does_not_answer_is_waited_for_so_long_and_no_longer(lab, capsys, monkeypatch):
    times = iter([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 99.0])
    asked = []
    monkeypatch.setattr("engine.cli.terminal.gather.time.monotonic", lambda: asked.append(next(times)) or asked[-1])
    assert main([*PLAN, "--wait-seconds", "5"]) == exit_codes.FAILED
    assert "ada@one: one does not answer. Is it on?" in capsys.readouterr().err
    assert asked[-1] == 5.0


def test_every_machine_that_is_missing_is_named(lab, capsys):
    lab.fakes.add_remote("one")
    assert main([*PLAN, "--machine", "two", "--machine", "three", "--wait-seconds", "0"]) == exit_codes.FAILED
    err = capsys.readouterr().err
    assert "two: two does not answer." in err
    assert "three: three does not answer." in err
    assert "one:" not in err


def test_one_that_comes_back_in_time(lab):
    lab.fakes.add_remote("one")
    lab.fakes.connector.raises["one"] = [MachineUnreachable("Not yet.")] * 2
    assert main(PLAN) == exit_codes.OK


def test_no_build_that_fits_is_a_sentence_with_the_reason(lab, capsys):
    machine = lab.without_runtime("one")
    theirs = RemoteRuntime(runtime=OTHER_COMMIT, devices=(), help_text="", why_not_with_coordinator="It is commit abcdef0.")
    machine.seen = replace(machine.seen, runtimes=(theirs,))
    assert main(["bench", *PLAN[1:]]) == exit_codes.FAILED
    err = capsys.readouterr().err
    assert "one has no llama.cpp that may work with ours (b11434 (0c1e570)): It is commit abcdef0." in err
    assert "--copy-runtime" in err
    assert machine.copied == []


def test_a_build_is_copied_when_that_is_asked_for(lab, capsys, monkeypatch):
    machine = lab.without_runtime("one")
    monkeypatch.setattr("engine.cli.bench.best_subjects", lambda *_arguments: [])
    assert main(["bench", *PLAN[1:], "--copy-runtime", "--json"]) == exit_codes.OK
    assert machine.copied == ["fake"]
    assert "Copying llama.cpp to one." in capsys.readouterr().err


def test_a_copy_that_fails_is_a_sentence_and_not_tried_again(lab, capsys):
    machine = lab.without_runtime("one")
    machine.copy_fails = RuntimeUnavailable("The disk is full.", advice="Free 200 MB.")
    assert main(["bench", *PLAN[1:], "--copy-runtime"]) == exit_codes.FAILED
    err = capsys.readouterr().err
    assert "one: The disk is full. Free 200 MB." in err
    assert err.count("Copying") == 1


def test_ctrl_c_while_waiting(lab, monkeypatch):
    class Pressed(foreground.Foreground):
        def wait_for(self, reached, title):
            self.on_signal(2, None)
            return super().wait_for(reached, title)

    monkeypatch.setattr(foreground, "Foreground", Pressed)
    assert main([*PLAN, "--wait-seconds", "1000"]) == exit_codes.INTERRUPTED
