"""``crossplyctl up --api-host``: what it says, what it makes, and what it never shows."""

import json

import pytest

from engine.cli.main import main
from engine.cli.terminal import exit_codes, foreground
from engine.settings.api_key_file import ApiKeyFile
from engine.settings.folders import find_folders
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.cli_lab import CliLab
from tests.fakes.sessions.fake_outside import MODEL, lines_for

UP = ["up", MODEL, "--policy", "even"]


@pytest.fixture
def lab(monkeypatch):
    made = CliLab(monkeypatch)
    monkeypatch.setattr("engine.cli.terminal.options.model_path", lambda given: given)
    monkeypatch.setattr(foreground.Foreground, "stay", lambda _self: None)
    launch = foreground.Foreground.launch

    def launched(self):
        made.fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(self.session.snapshot().plan)))
        return launch(self)

    monkeypatch.setattr(foreground.Foreground, "launch", launched)
    return made


@pytest.fixture
def keys():
    return ApiKeyFile(find_folders().state)


def test_without_it_nobody_else_gets_in_and_there_is_no_key(lab, keys, capsys):
    assert main(UP) == exit_codes.OK
    said = capsys.readouterr()
    assert "http://127.0.0.1:8080 (OpenAI-compatible, this machine only)" in said.out
    assert "API key" not in said.err
    assert keys.load() is None


def test_with_it_what_it_means_is_said_and_the_key_is_shown_once(lab, keys, capsys):
    assert main([*UP, "--api-host", "10.0.0.7"]) == exit_codes.OK
    said = capsys.readouterr()
    assert "with the API key, at http://10.0.0.7:8080" in said.out
    assert "unencrypted" in said.err
    assert f"shown this once: {keys.load()}" in said.err
    assert keys.load() not in said.out

    assert main([*UP, "--api-host", "10.0.0.7", "--json"]) == exit_codes.OK
    again = capsys.readouterr()
    assert keys.load() not in again.err + again.out
    assert str(keys.path) in again.err
    assert json.loads(again.out)["api_network_url"] == "http://10.0.0.7:8080"
    started = [word for process in lab.fakes.starter.started for word in process.spec.argv]
    assert not [word for word in started if keys.load() in word]


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "gpu-node"])
def test_what_is_no_address_of_its_own_is_refused_before_anything_starts(lab, keys, capsys, address):
    assert main([*UP, "--api-host", address]) == exit_codes.BAD_USAGE
    assert address in capsys.readouterr().err
    assert (lab.sessions, keys.load()) == ([], None)


def test_an_address_that_cannot_be_had_is_told_and_this_machine_is_served(lab, capsys):
    lab.fakes.gateway.fails = "The API cannot listen on 10.0.0.7."
    assert main([*UP, "--api-host", "10.0.0.7"]) == exit_codes.OK
    said = capsys.readouterr()
    assert "cannot listen on 10.0.0.7" in said.err
    assert "this machine only" in said.out


@pytest.mark.parametrize("seconds", ["-1", "3601", "soon"])
def test_a_wait_that_is_none(lab, capsys, seconds):
    with pytest.raises(SystemExit):
        main([*UP, "--api-wait", seconds])
    assert "0 to 3600" in capsys.readouterr().err


def test_a_wait_is_handed_on(lab):
    assert main([*UP, "--api-wait", "7"]) == exit_codes.OK
    assert {place.wait_seconds for place in lab.fakes.gateway.places} == {7.0}
