"""The charts as a table and as CSV."""

import csv
import io
import re
from dataclasses import replace

from engine.session.state import RunPhase
from gui.what_to_show.watching.figures_table import csv_text, figures_table_of, iso_time, picture_title, suggested_name
from tests.fakes.states import cluster_states as states
from tests.fakes.states import watched_states as watched


def test_units_are_in_the_titles_and_times_are_iso():
    table = figures_table_of(watched.serving())
    assert table.titles[:4] == (
        "time_iso8601",
        "averaged_over_seconds",
        "decode_tokens_per_second",
        "prefill_tokens_per_second",
    )
    assert "busy_fraction of lab-02 · cuda:0" in table.titles
    assert "sent_bytes_per_second to lab-05" in table.titles
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", row[0]) for row in table.rows)
    assert all(len(row) == len(table.titles) for row in table.rows)
    assert [row[0] for row in table.rows] == sorted(row[0] for row in table.rows)


def test_gaps_are_blank_and_predictions_stand_beside():
    rows = {row[0]: row for row in figures_table_of(watched.serving()).rows}
    gap = rows[iso_time(watched.ZERO_IS_AT + 1000 - 240 + 110)]
    assert (gap[1], gap[2], gap[4]) == ("1", "", "18.4")
    assert sum(row[2] == "" for row in rows.values()) >= 30


def test_after_a_run_its_figures_keep_its_own_prediction_and_model():
    ran = watched.serving()
    other = replace(ran.plan, model=replace(ran.plan.model, name="Other"))
    other = replace(other, predicted=replace(other.predicted, decode_tokens_per_second=1.0))
    after = replace(ran, run_phase=RunPhase.STOPPED, run_wanted=False, plan=other)
    assert figures_table_of(after).rows == figures_table_of(ran).rows
    assert picture_title(after, 0.0) == picture_title(ran, 0.0)


def test_what_happened_is_in_its_second_without_the_words_of_a_question():
    events = [row[-1] for row in figures_table_of(watched.a_worker_ended()).rows if row[-1]]
    assert events[0] == "launched"
    assert "question" in events
    assert events[-1] == "run failed; lab-05: rpc-server for cuda:0 ended"
    assert "sky" not in str(events)


def test_without_a_run_there_is_only_the_title():
    assert figures_table_of(states.no_model()).rows == ()


def test_csv_survives_commas_quotes_and_formulas():
    rows = [("a,b", 'say "x"', "=1+1", "-5.5", "+cmd|'/c'!A1")]
    (titles, row) = csv.reader(io.StringIO(csv_text(("1", "2", "3", "4", "5"), rows)))
    assert titles == ["1", "2", "3", "4", "5"]
    assert row == ["a,b", 'say "x"', "'=1+1", "-5.5", "'+cmd|'/c'!A1"]


def test_names_of_files_and_pictures():
    assert re.fullmatch(r"crossply-throughput-\d{4}-\d\d-\d\d-\d{4}\.csv", suggested_name("throughput", 0.0, "csv"))
    assert picture_title(watched.serving(), 0.0).startswith("Crossply · Qwen3 32B · 8 workers · 19")
