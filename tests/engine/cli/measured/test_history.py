"""``crossplyctl history``."""

import json
from dataclasses import replace

from engine.cli.main import main
from engine.cli.measured.history import error_text
from engine.cli.terminal import exit_codes
from tests.fakes.states.run_records import a_record


def test_predicted_beside_measured(lab, capsys):
    lab.fakes.history.kept = [a_record(8.0, id="run-2", at="2026-11-24T03:05:00+00:00"), a_record(10.0, id="run-1", at="x")]
    assert main(["history"]) == exit_codes.OK
    out = capsys.readouterr().out
    assert "run-2" in out
    assert "2026-11-24 03:05" in out
    assert "+25.0 %" in out
    assert "4,5" in out


def test_of_one_model_and_only_so_many(lab, capsys):
    other = replace(a_record().model, name="Llama")
    lab.fakes.history.kept = [a_record(1.0, id="1"), a_record(2.0, id="2", model=other), a_record(3.0, id="3", model=other)]
    assert main(["history", "--model", "llama", "--limit", "1", "--json"]) == exit_codes.OK
    assert [run["id"] for run in json.loads(capsys.readouterr().out)["runs"]] == ["2"]


def test_none_yet_and_what_was_set_aside(lab, capsys):
    lab.fakes.history.told = ["It was damaged."]
    assert main(["history"]) == exit_codes.OK
    captured = capsys.readouterr()
    assert "No run was measured yet" in captured.out
    assert captured.err == "It was damaged.\n"


def test_errors_are_of_what_was_measured():
    assert error_text(8.0, 10.0) == "+25.0 %"
    assert error_text(None, 10.0) == error_text(8.0, None) == "–"
