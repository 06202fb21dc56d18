"""``status``, ``map`` and ``down``: what they say of a cluster that runs, and when none does."""

import json

import pytest

from engine.cli import running
from engine.cli.main import main
from engine.cli.terminal import exit_codes
from engine.run_files.run_file import RunPublisher
from engine.session.telling.as_json import map_json, state_json
from tests.fakes.sessions.fake_lab import FakeLab
from tests.fakes.states.cluster_states import map_mismatch, no_model, ready
from tests.fakes.states.recovery_states import HAPPENED, back, waiting


@pytest.fixture
def publish(data_folder):
    publisher = RunPublisher(data_folder / "state")
    assert publisher.claim()
    yield lambda state: publisher.publish(state_json(state))
    publisher.release()


@pytest.mark.parametrize("command", ["status", "map", "down"])
def test_none_runs(command, capsys):
    assert main([command]) == exit_codes.NOT_RUNNING
    assert capsys.readouterr().err == "No cluster of yours is running.\n"
    assert main([command, "--json"]) == exit_codes.NOT_RUNNING
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_status(publish, capsys):
    publish(ready())
    assert main(["status"]) == exit_codes.OK
    out = capsys.readouterr().out
    assert "Phase: ready at http://" in out
    assert "llama-server" in out
    assert "Decode: predicted 18.4 tok/s, measured 18.1 tok/s" in out
    assert main(["status", "--json"]) == exit_codes.OK
    assert set(json.loads(capsys.readouterr().out)) == {*state_json(ready()), "pid"}


def test_status_before_anything_was_launched(publish, capsys):
    publish(no_model())
    assert main(["status"]) == exit_codes.OK
    assert capsys.readouterr().out == "Phase: stopped\n"


def test_status_tells_what_broke_and_what_it_cost(publish, capsys):
    publish(waiting())
    assert main(["status"]) == exit_codes.OK
    assert "Recovery: It starts again on 3 workers, without flash attention, attempt 3.\n" in capsys.readouterr().out
    publish(back())
    assert main(["status"]) == exit_codes.OK
    assert f"{HAPPENED} Back in 41 s on 2 workers" in capsys.readouterr().out


def test_map(publish, capsys):
    publish(ready())
    assert main(["map"]) == exit_codes.OK
    assert "actual = planned" in capsys.readouterr().out
    assert main(["map", "--json"]) == exit_codes.OK
    assert json.loads(capsys.readouterr().out) == map_json(ready().run.layer_map)


def test_a_map_that_differs_has_status_4(publish, capsys):
    publish(map_mismatch())
    assert main(["map"]) == exit_codes.MAP_DIFFERS
    out = capsys.readouterr().out
    assert out.count("differs") == 6
    assert "NOT as planned" in out


def test_map_without_a_run(publish, capsys):
    publish(no_model())
    assert main(["map"]) == exit_codes.NOT_RUNNING


def test_down(data_folder, monkeypatch, capsys):
    looks = iter([True, False])
    monkeypatch.setattr(running, "ask_to_stop", lambda _folder: True)
    monkeypatch.setattr(running, "is_running", lambda _folder: next(looks))
    monkeypatch.setattr(running.time, "sleep", lambda _seconds: None)
    assert main(["down", "--json"]) == exit_codes.OK
    assert json.loads(capsys.readouterr().out) == {"stopped": True}


def test_down_does_not_wait_for_a_second_window_that_is_seen_then(data_folder, publish, monkeypatch, capsys):
    publish(ready())
    run_file = data_folder / "state" / "run.json"

    def stopped_and_another_one_seen(_folder):
        run_file.write_text(json.dumps({"pid": 1}))
        return True

    monkeypatch.setattr(running, "ask_to_stop", stopped_and_another_one_seen)
    assert main(["down"]) == exit_codes.OK
    assert capsys.readouterr().err == "Stopped.\n"


def test_down_gives_up(monkeypatch, capsys):
    monkeypatch.setattr(running, "ask_to_stop", lambda _folder: True)
    monkeypatch.setattr(running, "is_running", lambda _folder: True)
    monkeypatch.setattr(running, "DOWN_SECONDS", -1.0)
    assert main(["down"]) == exit_codes.FAILED
    assert "has not ended" in capsys.readouterr().err


def test_status_names_machines_and_tunnels(publish, capsys):
    lab = FakeLab("one")
    publish(lab.launch())
    assert main(["status"]) == exit_codes.OK
    out = capsys.readouterr().out
    assert "Tunnel to one: 127.0.0.1:51072 to its 50052" in out
    assert "Machine one (ada@one): ready" in out
    row = next(line for line in out.splitlines() if line.startswith("rpc-server") and "51072" in line)
    assert "one" in row.split()
    assert "loopback + SSH tunnel" in row
