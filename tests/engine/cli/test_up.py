"""``crossplyctl up`` over machines, on fakes: what is started where, what is shown, and that all is let go of."""

import json
from dataclasses import replace

import pytest

from engine.cli import up
from engine.cli.main import main
from engine.cli.terminal import exit_codes, foreground
from engine.session import events
from engine.session.state import RunPhase
from engine.vocabulary.plan import Policy
from engine.vocabulary.worker import Speed, WorkerId
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.cli_lab import CliLab
from tests.fakes.sessions.fake_lab import ListeningAsker
from tests.fakes.sessions.fake_outside import MODEL, lines_for

UP = ["up", MODEL, "--policy", "even", "--machine", "ada@one", "--json"]


@pytest.fixture
def lab(monkeypatch):
    made = CliLab(monkeypatch)
    monkeypatch.setattr("engine.cli.terminal.options.model_path", lambda given: given)
    monkeypatch.setattr(foreground.Foreground, "stay", lambda _self: None)
    made.fakes.starter.will_run("ssh", FakeProgram())
    made.fakes.asker = ListeningAsker(made.fakes.starter)
    launch = foreground.Foreground.launch

    def launched(self):
        plan = self.session.snapshot().plan
        made.fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(plan)))
        return launch(self)

    monkeypatch.setattr(foreground.Foreground, "launch", launched)
    return made


def test_it_serves_over_both_machines_and_says_so(lab, capsys):
    machine = lab.fakes.add_remote("one")
    machine.asker = ListeningAsker(lab.fakes.starter)
    assert main(UP) == exit_codes.OK
    document = json.loads(capsys.readouterr().out)
    servers = {process["machine"]: process["exposure"] for process in document["processes"] if process["workers"]}
    assert servers == {"one": "loopback + SSH tunnel", "fake": "this machine only"}
    assert document["tunnels"] == [
        {
            "machine": "one",
            "forwards": [{"local_port": 51072, "remote_port": 50052}],
            "sent_bytes": None,
            "sent_bytes_when_ready": None,
        }
    ]
    assert document["machines"] == [{"name": "one", "ssh": "ada@one", "phase": "ready", "problem": None}]
    assert {worker["exposure"] for worker in document["plan"]["workers"]} == set(servers.values())
    assert document["map"]["matches"] is True
    state = lab.sessions[0].snapshot()
    assert (state.run_phase, lab.fakes.starter.running()) == (RunPhase.STOPPED, ())
    assert machine.closed


def test_a_worker_to_leave_out_that_is_not_there_starts_nothing(lab, capsys):
    lab.fakes.add_remote("one").asker = ListeningAsker(lab.fakes.starter)
    assert main([*UP, "--leave-out", "one/gpu"]) == exit_codes.BAD_USAGE
    assert "There is no worker one/gpu to leave out." in capsys.readouterr().err.replace("\n", " ")
    assert lab.fakes.starter.started == []


def test_a_machine_that_is_missing_starts_nothing(lab, capsys):
    assert main([*UP, "--wait-seconds", "0"]) == exit_codes.FAILED
    assert "ada@one: one does not answer." in capsys.readouterr().err
    assert lab.fakes.starter.started == []


def test_machines_of_a_cluster_file(lab, capsys, tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text('[[machine]]\nname = "gpu"\naddress = "one"\nuser = "ada"\ncpu = { safe_mb = 1000 }\n')
    lab.fakes.add_remote("one").asker = ListeningAsker(lab.fakes.starter)
    assert main(["up", MODEL, "--policy", "even", "--cluster", str(path)]) == exit_codes.OK
    assert "Serving" in capsys.readouterr().out


def test_the_plan_that_runs_is_shown_where_it_is_another_than_the_one_that_was_shown(lab, capsys, monkeypatch):
    lab.fakes.add_remote("one").asker = ListeningAsker(lab.fakes.starter)
    launch = foreground.Foreground.launch

    def learned_first(self):
        self.session.choose(replace(self.session.snapshot().choices, policy=Policy.FASTEST))
        quick = Speed(read_bytes_per_second=1e13, measured=True)
        self.session.post(events.SpeedsMeasured(speeds=((WorkerId("this-machine/cpu"), quick),)))
        return launch(self)

    people = UP[:-1]
    assert main(people) == exit_codes.OK
    assert "another plan" not in capsys.readouterr().out
    monkeypatch.setattr(foreground.Foreground, "launch", learned_first)
    assert main(people) == exit_codes.OK
    out = capsys.readouterr().out
    shown, _, runs = out.partition("What became known meanwhile gave another plan, and this is the one that runs:")
    assert "Tensor split: -ts 4,5" in shown
    assert "Tensor split: -ts 9" in runs


def test_a_second_one_is_refused(lab, capsys, monkeypatch):
    monkeypatch.setattr(up, "is_running", lambda _folder: True)
    assert main(UP) == exit_codes.FAILED
    assert lab.sessions == []
