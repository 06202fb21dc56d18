"""Plans in turn, a warm-up each, everything kept."""

import json
from dataclasses import replace

import pytest

from engine.cli.main import main
from engine.cli.terminal import exit_codes
from engine.errors import HistoryUnusable
from engine.session.working.measured import calibrate
from engine.vocabulary.plan import Plan
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import TIMINGS, lines_for


@pytest.fixture
def measured(lab, monkeypatch, capsys):
    """Run ``bench``: llama-server always reports just what is planned."""
    monkeypatch.setattr(calibrate, "calibrate", lambda bench, post, **_: post(calibrate.events.ActivityEnded(id="calibrate")))
    starter = lab.fakes.starter

    def report(spec):
        plan = lab.sessions[-1].snapshot().plan
        if "llama-server" in spec.id and isinstance(plan, Plan):
            starter.will_run("llama-server", FakeProgram(lines=lines_for(plan)))

    starter.while_starting = report

    def run(*more):
        code = main(["bench", lab.model, "--cpu-workers", "2", "--json", *more])
        return code, json.loads(capsys.readouterr().out)["runs"]

    return run


def test_rounds_go_over_all_plans_and_the_first_request_is_not_counted(lab, measured, monkeypatch):
    said = []
    monkeypatch.setattr("engine.cli.terminal.foreground.say", said.append)
    code, rows = measured("--policy", "even", "--rounds", "2", "--repetitions", "3", "--top", "2")
    assert code == exit_codes.OK
    assert [line.split(": ")[0] for line in said] == ["Round 1 of 2"] * 2 + ["Round 2 of 2"] * 2
    assert said[:2] != [said[0]] * 2
    assert rows[0]["plan"] == "even, per-device"
    assert [len(row["decode_samples"]) for row in rows] == [6, 6]
    assert rows[0]["decode_measured"] == TIMINGS.decode_tokens_per_second
    assert rows[0]["decode_spread"] == 0.0
    assert len(lab.fakes.history.kept) == 4
    assert sorted(row_id for row in rows for row_id in row["run_ids"]) == sorted(r.id for r in lab.fakes.history.kept)
    for record in lab.fakes.history.kept:
        assert [sample.warm_up for sample in record.samples] == [True, False, False, False]


def test_all_has_every_column_refused_ones_too(lab, measured):
    lab.fakes.models.models[lab.model] = replace(lab.fakes.models.models[lab.model], n_vocab=0)
    code, rows = measured("--all", "--rounds", "1", "--repetitions", "1")
    assert code == exit_codes.OK
    assert {"fastest", "traditional", "hybrid (all workers)", "llama.cpp's default split"} <= {row["plan"] for row in rows}


def test_a_table_for_people(lab, measured, capsys):
    del measured
    assert main(["bench", lab.model, "--rounds", "1", "--repetitions", "1", "--top", "1"]) in (0, exit_codes.MAP_DIFFERS)
    out = capsys.readouterr().out
    assert "Medians of 1 requests" in out
    assert "32.0 tok/s" in out


def test_a_history_that_cannot_be_used_costs_no_measurement(lab, measured, monkeypatch):
    monkeypatch.setattr(lab.fakes.history, "load", lambda _id: (_ for _ in ()).throw(HistoryUnusable("Disk full.")))
    code, rows = measured("--rounds", "1", "--repetitions", "2", "--top", "1")
    assert code == exit_codes.OK
    assert (len(rows[0]["decode_samples"]), rows[0]["run_ids"]) == (2, [])


def test_nothing_that_fits_is_a_refusal(lab, capsys):
    model = lab.fakes.models.models[lab.model]
    huge = tuple(replace(layer, weights_bytes=1 << 50) for layer in model.layers)
    lab.fakes.models.models[lab.model] = replace(model, layers=huge, total_bytes=1 << 53)
    assert main(["bench", lab.model]) == exit_codes.REFUSED
    assert "missing over all" in capsys.readouterr().err.replace("\n", " ")
