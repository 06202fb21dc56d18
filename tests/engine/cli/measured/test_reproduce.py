"""``crossplyctl reproduce``: the way of a run from the history to a file and back to the machines."""

import json
from dataclasses import replace

import pytest

from engine.cli.main import main
from engine.cli.terminal import exit_codes
from engine.settings.history.record_json import record_from_json, record_to_json
from engine.vocabulary.plan import Plan
from engine.vocabulary.worker import Exposure
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import lines_for


@pytest.fixture
def recorded(lab, capsys, tmp_path):
    """A run of two CPU workers, recorded into a file."""
    starter = lab.fakes.starter

    def report(spec):
        plan = lab.sessions[-1].snapshot().plan
        if "llama-server" in spec.id and isinstance(plan, Plan):
            starter.will_run("llama-server", FakeProgram(lines=lines_for(plan)))

    starter.while_starting = report
    bench = ["bench", lab.model, "--cpu-workers", "2", "--policy", "even", "--rounds", "1", "--repetitions", "1", "--top", "1"]
    assert main(bench) == exit_codes.OK
    capsys.readouterr()
    assert main(["record", "newest"]) == exit_codes.OK
    path = tmp_path / "run.json"
    path.write_text(capsys.readouterr().out)
    return path


def change(path, **changes):
    record = record_from_json(path.read_bytes(), "it")
    path.write_text(record_to_json(replace(record, **changes)))


def test_the_same_split_is_run_again(lab, recorded, capsys):
    assert main(["reproduce", str(recorded)]) == exit_codes.OK
    out = capsys.readouterr().out
    assert "Nothing differs from the recorded run." in out
    assert "Recorded decode against here: +0.0 %." in out
    newest, _first = lab.fakes.history.runs()
    assert newest.seats == record_from_json(recorded.read_bytes(), "it").seats
    assert len(newest.counted) == 3


def test_what_differs_is_said_and_it_runs(lab, recorded, capsys):
    build = replace(record_from_json(recorded.read_bytes(), "it").build, commit="fff")
    change(recorded, build=build)
    assert main(["reproduce", str(recorded), "--json"]) == exit_codes.OK
    document = json.loads(capsys.readouterr().out)
    assert document["differences"] == ["llama.cpp was b11434 (fff), here it is b11434 (0c1e570)."]
    assert document["here"]["tensor_split"] == document["recorded"]["tensor_split"]


def test_only_compare_starts_nothing(lab, recorded, capsys):
    n_started = len(lab.fakes.starter.started)
    assert main(["reproduce", str(recorded), "--only-compare"]) == exit_codes.OK
    assert "Nothing differs" in capsys.readouterr().out
    assert len(lab.fakes.starter.started) == n_started


def test_a_missing_machine_is_a_refusal(recorded, capsys):
    workers = record_from_json(recorded.read_bytes(), "it").workers
    change(recorded, workers=(replace(workers[0], machine_id="x", machine_name="node-7"), workers[1]))
    assert main(["reproduce", str(recorded)]) == exit_codes.REFUSED
    assert "There is no machine node-7 here" in capsys.readouterr().err


def test_a_model_that_is_not_here_must_be_named(lab, recorded, capsys):
    model = record_from_json(recorded.read_bytes(), "it").model
    change(recorded, model=replace(model, hash="other"))
    assert main(["reproduce", str(recorded)]) == exit_codes.BAD_USAGE
    assert "is not among the models here" in capsys.readouterr().err.replace("\n", " ")
    assert main(["reproduce", str(recorded), "--model", lab.model, "--only-compare"]) == exit_codes.OK
    assert "The model is another file" in capsys.readouterr().out


def test_a_damaged_file_beside_the_model_is_passed_over(lab, recorded, capsys):
    lab.fakes.models.found = lambda: ("/models/damaged.gguf", *lab.fakes.models.models)
    assert main(["reproduce", str(recorded), "--only-compare"]) == exit_codes.OK
    assert "Nothing differs" in capsys.readouterr().out


def test_words_that_mean_nothing(recorded, capsys):
    change(recorded, policy="telepathy")
    assert main(["reproduce", str(recorded)]) == exit_codes.BAD_USAGE
    assert "'telepathy' is not a valid Policy" in capsys.readouterr().err


def test_a_run_in_llama_server_itself_is_run_again_so(lab, recorded, capsys):
    record = record_from_json(recorded.read_bytes(), "it")
    first, _second = record.workers
    alone = replace(first, id="this-machine/cpu", device_name="cpu", n_layers=8, holds_output=True, exposure=Exposure.NATIVE)
    change(recorded, workers=(alone,), cpu_workers=1, tensor_split=(9,))
    assert main(["reproduce", str(recorded)]) == exit_codes.OK
    newest = lab.fakes.history.runs()[0]
    assert [worker.exposure for worker in newest.workers] == [Exposure.NATIVE.value]
    (program,) = [process.spec.argv for process in lab.fakes.starter.started[-1:]]
    assert "none" in program[program.index("-dev") :]
    assert "was reached by" not in capsys.readouterr().out
