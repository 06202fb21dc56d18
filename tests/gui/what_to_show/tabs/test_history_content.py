"""The history tab and the worth of workers."""

from engine.session.state import ClusterState
from gui.what_to_show.plan_table_content import ROWS, plan_table_of
from gui.what_to_show.tabs.history_content import COLUMNS, CSV_TITLES, history_as_text, history_csv_rows, history_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states.run_records import a_record


def test_predicted_beside_measured_with_the_error_of_what_was_measured():
    row = history_of(ClusterState(history=(a_record(8.0, id="1", at="2026-11-24T03:05:00+00:00"),))).rows[0]
    assert len(row.cells) == len(COLUMNS)
    assert row.cells[0] == "2026-11-24 03:05"
    assert row.cells[2:6] == ("even · per-device", "10.0", "8.0", "+25.0%")
    assert row.cells[9:] == ("a cpu-0, a cpu-1", "4, 5", "b11434 0c1e570")
    assert "25% busy before" in row.words
    assert "0c1e570" in row.words


def test_control_characters_of_a_machine_are_not_shown():
    record = a_record(8.0)
    hostile = a_record(
        8.0, at="\x1b[31m", model=type(record.model)(**{n: getattr(record.model, n) for n in record.model.__slots__})
    )
    assert "\x1b" not in history_as_text(history_of(ClusterState(history=(hostile,))).rows)


def test_nothing_measured_yet():
    content = history_of(ClusterState())
    assert content.rows == ()
    assert content.empty


def test_the_four_approaches_have_names_memory_and_context():
    table = plan_table_of(states.plan_shown())
    assert [column.title for column in table.columns] == ["Fastest", "Hybrid", "llama.cpp", "Traditional"]
    cells = dict(zip(ROWS, table.columns[0].cells, strict=True))
    assert (cells["Usable memory"], cells["Largest context"]) == ("40.0 GB", "32k")
    traditional = dict(zip(ROWS, table.columns[3].cells, strict=True))
    assert (traditional["Workers"], traditional["Largest context"]) == ("too small", "–")
    assert [column.chosen for column in table.columns] == [True, False, False, False]
    assert len(table.worths) == 3
    assert table.worths[0].endswith("adds 18.0 GB and makes decode 2.3 tokens/s faster")


def test_a_run_says_how_to_run_it_again_and_with_which_versions():
    (row,) = history_of(ClusterState(history=(a_record(8.0, id="a 1"),))).rows
    assert row.reproduce == "crossplyctl record 'a 1' > 'run-a 1.json' && crossplyctl reproduce 'run-a 1.json'"
    assert "llama.cpp 0c1e570, RPC 4.0.0; Crossply 0.1.0" in row.words
    assert "a cpu-1: 4 layers and the output head, this machine only" in row.words


def test_models_are_offered_once():
    other = a_record(8.0, id="3")
    content = history_of(ClusterState(history=(a_record(8.0, id="2"), other, a_record(7.0, id="1"))))
    assert content.models == ("m",)


def test_csv_has_plain_numbers_under_titles_with_units():
    (row,) = history_csv_rows((a_record(8.0, id="1", at="2026-11-24T03:05:00+00:00"),))
    cells = dict(zip(CSV_TITLES, row, strict=True))
    assert cells["at_utc_iso8601"] == "2026-11-24T03:05:00+00:00"
    assert cells["decode_measured_tokens_per_second"] == "8"
    assert cells["decode_error_fraction_of_measured"] == "0.25"
    assert cells["llama_cpp_commit"] == "0c1e570"
    (empty,) = history_csv_rows((a_record(),))
    assert dict(zip(CSV_TITLES, empty, strict=True))["decode_measured_tokens_per_second"] == ""
