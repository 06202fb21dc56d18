"""``crossplyctl compare``: described machines and this one."""

import json

import pytest

from engine.cli.main import main
from engine.cli.terminal import exit_codes
from engine.vocabulary.model import ModelFacts
from tests.engine.planning.planning_cases import GB, model_of

LAB = """
[[machine]]
name = "cpu-1"
cpu = { safe_mb = 18000, bandwidth_gb_per_s = 10, tflops = 1 }

[[machine]]
name = "gpu-node"
cpu = { safe_mb = 10000, bandwidth_gb_per_s = 10, tflops = 1 }
gpus = [ { device = "cuda:0", safe_mb = 9600, bandwidth_gb_per_s = 300, tflops = 9 } ]
"""


@pytest.fixture
def cluster(lab, tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text(LAB)
    model: ModelFacts = model_of(*[1 * GB] * 8)
    lab.fakes.models.models[lab.model] = model
    return str(path)


def test_four_rows_and_a_sentence_per_worker(lab, cluster, capsys):
    assert main(["compare", lab.model, "--cluster", cluster]) == exit_codes.OK
    out = capsys.readouterr().out
    assert [line.split("  ")[0] for line in out.splitlines()[1:5]] == [
        "traditional",
        "hybrid (all workers)",
        "llama.cpp's default split",
        "fastest",
    ]
    assert "gpu-node/cuda:0: adds 9.6 GB and makes decode" in out
    assert "cpu-1/cpu: adds 18.0 GB, costs" in out
    assert "left out." in out


def test_json_has_what_the_table_has(lab, cluster, capsys):
    assert main(["compare", lab.model, "--cluster", cluster, "--json"]) == exit_codes.OK
    document = json.loads(capsys.readouterr().out)
    assert (document["model"], document["context_tokens"], len(document["workers"])) == (lab.model, 4096, 3)
    usable = {row["approach"]: row["usable_bytes"] for row in document["approaches"]}
    assert usable["traditional"] == 27_600_000_000
    assert usable["fastest"] == 37_600_000_000


def test_what_does_not_fit_is_refused_with_reasons(lab, cluster, capsys):
    lab.fakes.models.models[lab.model] = model_of(*[9 * GB] * 8)
    assert main(["compare", lab.model, "--cluster", cluster]) == exit_codes.REFUSED
    captured = capsys.readouterr()
    assert captured.out.count("does not fit") == 4 + 3
    assert "fastest: The model needs 72.0 GB" in captured.err.replace("\n", " ")


def test_this_machine(lab, capsys):
    assert main(["compare", lab.model, "--cpu-workers", "2", "--json"]) == exit_codes.OK
    document = json.loads(capsys.readouterr().out)
    assert [worker["id"] for worker in document["workers"]] == ["this-machine/cpu-0", "this-machine/cpu-1"]


def test_machines_over_the_network(lab, capsys):
    lab.fakes.add_remote("one")
    assert main(["compare", lab.model, "--machine", "ada@one", "--json"]) == exit_codes.OK
    assert len(json.loads(capsys.readouterr().out)["workers"]) >= 2


@pytest.mark.parametrize("where", [[], ["--machine", "ada@one"], "cluster"])
def test_a_worker_to_leave_out_that_is_not_there_is_no_silent_nothing(lab, cluster, capsys, where):
    lab.fakes.add_remote("one")
    where = ["--cluster", cluster] if where == "cluster" else where
    assert main(["compare", lab.model, *where, "--leave-out", "gpu-node/cpu:0"]) == exit_codes.BAD_USAGE
    assert "There is no worker gpu-node/cpu:0 to leave out. The workers are: " in capsys.readouterr().err.replace("\n", " ")


def test_what_makes_no_sense_is_said(lab, cluster, capsys, tmp_path):
    assert main(["compare", lab.model, "--cluster", cluster, "--machine", "a@b"]) == exit_codes.BAD_USAGE
    assert main(["compare", lab.model, "--leave-out", "this-machine/cpu"]) == exit_codes.BAD_USAGE
    assert "switched off" in capsys.readouterr().err.replace("\n", " ")
    other = tmp_path / "other.gguf"
    other.write_bytes(b"")
    assert main(["compare", str(other)]) == exit_codes.BAD_USAGE
    assert "is not a GGUF file" in capsys.readouterr().err.replace("\n", " ")
