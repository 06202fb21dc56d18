"""``crossplyctl node`` on a machine of fakes: the report's lines, and the same facts as JSON."""

import json

import pytest

from engine.cli import node
from engine.cli.main import main
from engine.vocabulary.admin_policy import AdminPolicy
from tests.fakes.sessions.cli_lab import CliLab
from tests.fakes.sessions.fake_outside import Fakes
from tests.fakes.states.cluster_pieces import hybrid_machine


class OneMachine:
    def look(self, devices):
        return hybrid_machine()


@pytest.fixture
def fakes(monkeypatch):
    made = Fakes()
    made.probe = OneMachine()
    monkeypatch.setattr(node, "real_outside", made.outside)
    return made


def test_the_report_has_every_section_and_every_worker(fakes, capsys):
    assert main(["node"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "RPC NODE SETUP - Hybrid GPU+CPU Parallelization"
    assert "DETECTED RESOURCES" in lines
    assert "GENERATED RPC-SERVER COMMANDS" in lines
    assert any("cuda:0, --device CUDA0" in line and "safe VRAM" in line for line in lines)
    assert any("CPU RAM (safe)" in line for line in lines)
    assert "  Total parallel workers: 3 (1 CPU + 2 GPU)" in lines
    commands = [line for line in lines if line.startswith("sh -c ")]
    assert [word in command for word, command in zip(("-d CPU", "-d CUDA0", "-d Vulkan0"), commands, strict=True)] == [
        True
    ] * 3
    assert all("-H 127.0.0.1" in command for command in commands), "nothing off loopback"


def test_json_says_the_same(fakes, capsys):
    assert main(["node", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [worker["device"] for worker in report["workers"]] == ["cpu", "cuda:0", "vulkan:0"]
    assert [gpu["runtime_device"] for gpu in report["machine"]["gpus"]] == ["CUDA0", "Vulkan0"]
    assert len(report["commands"]) == 3
    assert report["protocol"] == "4.0.0"


def test_the_administrators_reserve_holds_and_is_said(fakes, capsys):
    fakes.policy = AdminPolicy(path="/etc/crossply/policy.toml", reserve_fraction=0.9)
    assert main(["node", "--json", "--reserve", "0.1"]) == 0
    said = capsys.readouterr()
    assert all(worker["safe_bytes"] <= 0.11 * worker["total_bytes"] for worker in json.loads(said.out)["workers"])
    assert "The reserve is 90% of every device's memory: the administrator set it" in said.err


def test_without_programs_it_says_how_to_get_them(monkeypatch, capsys):
    made = Fakes(runtimes=())
    made.probe = OneMachine()
    monkeypatch.setattr(node, "real_outside", made.outside)
    assert main(["node"]) == 0
    assert "(no llama.cpp programs yet: crossplyctl runtime build)" in capsys.readouterr().out


def test_a_remote_machine_as_it_would_say_it_of_itself(monkeypatch, capsys):
    lab = CliLab(monkeypatch)
    lab.fakes.add_remote("one")
    assert main(["node", "--machine", "ada@one", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["machine"]["name"] == "one"
    (worker,) = report["workers"]
    assert (worker["id"], worker["endpoint"]) == ("ada@one/cpu", "127.0.0.1:50052")
    (shown,) = report["commands"]
    assert "/home/ada/fake/ggml-rpc-server -H 127.0.0.1 -p 50052" in shown["shell"]
    assert main(["node", "--machine", "ada@one"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "one · Debian · x86_64"


def test_a_remote_machine_without_programs_is_shown_all_the_same(monkeypatch, capsys):
    lab = CliLab(monkeypatch)
    lab.without_runtime("one")
    assert main(["node", "--machine", "ada@one"]) == 0
    assert "crossplyctl machine copy-runtime ada@one" in capsys.readouterr().out


def test_one_machine_at_a_time(monkeypatch, capsys):
    CliLab(monkeypatch)
    assert main(["node", "--machine", "a", "--machine", "b"]) == 2
    assert "one machine at a time" in capsys.readouterr().err
