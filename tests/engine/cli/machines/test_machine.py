"""``crossplyctl machine``: copy our build there, delete what we put there."""

from dataclasses import replace

import pytest

from engine.cli.machines import machine as command
from engine.cli.main import main
from engine.cli.terminal import exit_codes
from engine.errors import ProcessFailed, RemoteFileProblem, RuntimeUnavailable
from engine.vocabulary.remote import KeptProcess
from engine.vocabulary.running.process import ProcessId
from tests.fakes.sessions.cli_lab import CliLab


@pytest.fixture
def lab(monkeypatch):
    return CliLab(monkeypatch)


def test_copying(lab, capsys):
    machine = lab.without_runtime("one")
    assert main(["machine", "copy-runtime", "ada@one"]) == exit_codes.OK
    captured = capsys.readouterr()
    assert machine.copied == ["fake"]
    assert captured.out == "ada@one has our llama.cpp now: /home/ada/fake\n"
    assert machine.closed


def test_what_is_there_is_not_copied_again(lab, capsys):
    machine = lab.fakes.add_remote("one")
    assert main(["machine", "copy-runtime", "ada@one"]) == exit_codes.OK
    assert machine.copied == []
    assert "has a llama.cpp that may work with ours already" in capsys.readouterr().out


def test_a_copy_that_fails(lab, capsys):
    lab.without_runtime("one").copy_fails = RuntimeUnavailable("It is an ARM machine.", advice="Build there.")
    assert main(["machine", "copy-runtime", "ada@one"]) == exit_codes.FAILED
    assert "one: It is an ARM machine. Build there." in capsys.readouterr().err


def test_a_machine_that_is_not_reached(lab, capsys):
    assert main(["machine", "remove", "ada@none", "--wait-seconds", "0"]) == exit_codes.FAILED
    assert "ada@none: none does not answer." in capsys.readouterr().err


def test_a_name_that_is_none(lab, capsys):
    assert main(["machine", "remove", "ada@$(id)"]) == exit_codes.BAD_USAGE


def test_removing(lab, capsys):
    machine = lab.fakes.add_remote("one")
    assert main(["machine", "remove", "ada@one"]) == exit_codes.OK
    assert machine.removed
    assert capsys.readouterr().out == "Nothing of Crossply is left on ada@one.\n"


def test_a_removal_that_fails_says_so_once(lab, capsys):
    machine = lab.fakes.add_remote("one")

    def fails():
        raise RemoteFileProblem("A file is in use.")

    machine.remove_ours = fails
    assert main(["machine", "remove", "ada@one"]) == exit_codes.FAILED
    captured = capsys.readouterr()
    assert captured.err.count("A file is in use.") == 1
    assert captured.out == ""


def test_nothing_is_removed_under_a_running_cluster(lab, capsys, monkeypatch):
    machine = lab.fakes.add_remote("one")
    monkeypatch.setattr(command, "is_running", lambda _folder: True)
    assert main(["machine", "remove", "ada@one"]) == exit_codes.FAILED
    assert not machine.removed
    assert "crossplyctl down" in capsys.readouterr().err


def test_building(lab, capsys):
    machine = lab.without_runtime("one")
    assert main(["machine", "build", "ada@one"]) == exit_codes.OK
    assert (machine.built, machine.copied) == (["fake"], [])
    assert capsys.readouterr().out == "ada@one has llama.cpp of our commit: /home/ada/fake\n"


def test_building_where_there_is_a_build_already(lab, capsys):
    machine = lab.fakes.add_remote("one")
    machine.after_copy = replace(machine.seen)
    assert main(["machine", "build", "ada@one"]) == exit_codes.OK
    assert machine.built == ["fake"]


@pytest.mark.parametrize("had", [True, False])
def test_a_build_that_fails(lab, capsys, had):
    machine = lab.fakes.add_remote("one") if had else lab.without_runtime("one")
    machine.copy_fails = RuntimeUnavailable("There is no C++ compiler.", advice="Install one.")
    assert main(["machine", "build", "ada@one"]) == exit_codes.FAILED
    captured = capsys.readouterr()
    assert "There is no C++ compiler. Install one." in captured.err
    assert captured.out == ""


def with_a_worker_left(lab):
    machine = lab.fakes.add_remote("one")
    kept = KeptProcess(name="0" * 16, process_id=ProcessId("rpc-server x"), pid=7, argv=("/x", "-p", "1"), started_by="ada")
    machine.seen = replace(machine.seen, kept=(kept,))
    return machine


def test_stopping_what_was_left(lab, capsys):
    with_a_worker_left(lab)
    assert main(["machine", "stop", "ada@one"]) == exit_codes.OK
    assert capsys.readouterr().out == "1 workers were stopped on ada@one.\n"
    lab.fakes.add_remote("two")
    assert main(["machine", "stop", "ada@two"]) == exit_codes.OK
    assert capsys.readouterr().out == "Nothing was left running on ada@two.\n"


def test_what_cannot_be_stopped_is_said_and_not_waited_for(lab, capsys):
    machine = with_a_worker_left(lab)

    def hangs():
        raise ProcessFailed("rpc-server x does not end.")

    machine.stop_kept = hangs
    assert main(["machine", "stop", "ada@one"]) == exit_codes.FAILED
    captured = capsys.readouterr()
    assert captured.err.count("rpc-server x does not end.") == 1
    assert captured.out == ""
