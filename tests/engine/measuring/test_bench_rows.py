"""Rows of llama-bench, and text that is none."""

from __future__ import annotations

import json

import pytest

from engine.measuring.bench_rows import BenchRow, rows_in

ROW = {"model_filename": "/tmp/x/a.gguf", "n_prompt": 0, "n_gen": 16, "n_depth": 1024, "n_ubatch": 256, "avg_ts": 3.5}


def printed(*rows):
    return ("load_backend: loaded", *json.dumps(list(rows), indent=2).splitlines(), "bye")


def test_a_row():
    expected = BenchRow(
        file_name="a.gguf", prompt_tokens=0, decode_tokens=16, depth_tokens=1024, ubatch_tokens=256, tokens_per_second=3.5
    )
    assert rows_in(printed(ROW)) == (expected,)


def test_the_median_of_the_repetitions_counts():
    lines = ("[", json.dumps({**ROW, "samples_ts": [10.0, 1.0, 9.0]}), "]")
    assert rows_in(lines)[0].tokens_per_second == 9.0


@pytest.mark.parametrize(
    "row", [3, {}, {**ROW, "avg_ts": 0.0}, {**ROW, "avg_ts": "fast"}, {**ROW, "avg_ts": None, "samples_ts": ["x", -1.0]}]
)
def test_what_is_no_row(row):
    assert rows_in(printed(row, ROW)) == rows_in(printed(ROW))


def test_strange_fields_are_nothing():
    row = rows_in(printed({"avg_ts": 1.5, "n_gen": "many", "model_filename": 7}))[0]
    assert (row.file_name, row.decode_tokens, row.tokens_per_second) == ("", 0, 1.5)


@pytest.mark.parametrize("lines", [(), ("[", "not json", "]"), ("[",), ("]", "[")])
def test_no_array(lines):
    assert rows_in(lines) == ()
