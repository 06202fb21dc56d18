"""``crossplyctl plan`` on machines that are only described: the worked example, refusals, tables."""

import json

import pytest

from engine.cli.main import main
from engine.cli.terminal import exit_codes
from tests.fakes.llama_cpp.gguf_writer import write_llama

LAB = """
[[machine]]
name = "cpu-1"
cpu = { safe_mb = 8000 }

[[machine]]
name = "cpu-2"
cpu = { safe_mb = 8000 }

[[machine]]
name = "gpu-node"
cpu = { safe_mb = 10000 }
gpus = [ { device = "cuda:0", name = "RTX 3060", safe_mb = 9600 } ]
"""


@pytest.fixture
def lab(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text(LAB)
    return str(path)


def planned(capsys, *argv):
    code = main(["plan", *argv, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_worked_example(lab, capsys):
    code, plan = planned(capsys, "--layers", "40", "--cluster", lab, "--policy", "even")
    assert code == exit_codes.OK
    assert [(worker["machine"], worker["device"], worker["layers"]) for worker in plan["workers"]] == [
        ("cpu-1", "cpu", [0, 9]),
        ("cpu-2", "cpu", [10, 19]),
        ("gpu-node", "cpu", [20, 29]),
        ("gpu-node", "cuda:0", [30, 39]),
    ]
    assert [worker["holds_output"] for worker in plan["workers"]] == [False, False, False, True]
    assert plan["tensor_split"] == [10, 10, 10, 11]
    assert (plan["n_layers"], plan["policy"], plan["layout"], plan["refused"]) == (40, "even", "per-device", None)
    assert plan["device_order"] == [worker["id"] for worker in plan["workers"]]
    assert plan["predicted"]["decode_tokens_per_second"] is None
    assert [command["machine"] for command in plan["commands"]] == ["cpu-1", "cpu-2", "gpu-node", "gpu-node"]


def test_traditional_is_one_worker_per_machine(lab, capsys):
    _code, plan = planned(capsys, "--layers", "40", "--cluster", lab, "--policy", "even", "--layout", "traditional")
    used = [worker for worker in plan["workers"] if worker["n_layers"]]
    assert [(worker["machine"], worker["kind"]) for worker in used] == [
        ("cpu-1", "cpu"),
        ("cpu-2", "cpu"),
        ("gpu-node", "gpu"),
    ]


def test_a_worker_can_be_left_out(lab, capsys):
    argv = ("--layers", "40", "--cluster", lab, "--policy", "even", "--leave-out", "gpu-node/cpu")
    assert "gpu-node/cpu" not in planned(capsys, *argv)[1]["device_order"]


def test_a_refusal_has_the_same_keys_and_status_3(lab, tmp_path, capsys):
    _code, plan = planned(capsys, "--layers", "40", "--cluster", lab)
    leave_out = [word for worker in plan["workers"] for word in ("--leave-out", worker["id"])]
    code, refused = planned(capsys, "--layers", "40", "--cluster", lab, *leave_out)
    assert code == exit_codes.REFUSED
    assert set(refused) == set(plan)
    assert refused["refused"]


def test_for_people(lab, capsys):
    assert main(["plan", "--layers", "40", "--cluster", lab, "--policy", "even"]) == exit_codes.OK
    out = capsys.readouterr().out
    assert "40 layers on 4 workers of 3 machines" in out
    assert "-ts 10,10,10,11" in out
    assert "30-39 + output" in out


def test_an_unknown_key_in_the_cluster_file(tmp_path, capsys):
    path = tmp_path / "bad.toml"
    path.write_text('[[machine]]\nname = "a"\ncolour = "red"\n')
    assert main(["plan", "--layers", "4", "--cluster", str(path)]) == exit_codes.BAD_USAGE
    said = capsys.readouterr().err
    assert "colour" in said
    assert str(path) in said


@pytest.mark.parametrize("layers", ["0", "-3", "10001"])
def test_a_number_of_layers_that_no_model_has(lab, capsys, layers):
    assert main(["plan", f"--layers={layers}", "--cluster", lab]) == exit_codes.BAD_USAGE
    assert capsys.readouterr().err.strip()


def test_described_and_real_machines_are_not_mixed(lab, capsys):
    assert main(["plan", "--layers", "4", "--cluster", lab, "--machine", "one"]) == exit_codes.BAD_USAGE
    assert "--cluster plans without looking" in capsys.readouterr().err


SAVED = """
[run]
policy = "even"
left_out = ["gpu-node/cpu"]
[[machine]]
name = "here"
coordinator = true
cpu = { safe_mb = 10000 }
[[machine]]
name = "gpu-node"
address = "10.0.0.7"
cpu = { safe_mb = 10000 }
gpus = [ { device = "cuda:0", safe_mb = 10000 } ]
[[machine]]
name = "not looked at"
address = "10.0.0.8"
"""


def test_a_file_that_the_window_saved_is_planned_as_it_was_chosen(tmp_path, capsys):
    path = tmp_path / "lab.crossply.toml"
    path.write_text(SAVED)
    assert main(["plan", "--layers", "40", "--cluster", str(path), "--json"]) == exit_codes.OK
    told = capsys.readouterr()
    plan = json.loads(told.out)
    assert (plan["policy"], plan["device_order"]) == ("even", ["gpu-node/cuda:0", "here/cpu"])
    assert "not looked at has neither cpu nor gpus" in told.err
    _code, memory = planned(capsys, "--layers", "40", "--cluster", str(path), "--policy", "memory", "--leave-out", "here/cpu")
    assert (memory["policy"], memory["device_order"]) == ("memory", ["gpu-node/cuda:0"])


def test_the_model_of_the_file_is_planned_unless_another_is_named(tmp_path, capsys):
    path = tmp_path / "lab.crossply.toml"
    write_llama(tmp_path / "m.gguf", n_layers=4)
    path.write_text(SAVED.replace("[run]", "[run]\nmodel = 'm.gguf'"))
    _code, plan = planned(capsys, "--cluster", str(path))
    assert plan["n_layers"] == 4
    assert planned(capsys, "--layers", "40", "--cluster", str(path))[1]["n_layers"] == 40
    path.write_text(SAVED.replace("[run]", "[run]\nmodel = 'gone.gguf'"))
    assert planned(capsys, "--layers", "40", "--cluster", str(path))[1]["n_layers"] == 40
    path.write_text(SAVED)
    assert main(["plan", "--cluster", str(path)]) == exit_codes.BAD_USAGE
    assert "Name either a MODEL or --layers" in capsys.readouterr().err
