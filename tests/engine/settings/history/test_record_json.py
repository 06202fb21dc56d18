"""Records as files: there and back, and everything a stranger's file may be."""

import json

import pytest

from engine.errors import BadInput
from engine.settings.history.record_json import LARGEST_FILE_BYTES, read_record, record_from_json, record_to_json
from tests.fakes.states.run_records import a_record


def test_there_and_back():
    record = a_record(9.5, 10.0, id="20261124-1", at="2026-11-24T03:00:00+00:00")
    text = record_to_json(record)
    assert record_from_json(text, "it") == record
    document = json.loads(text)
    assert (document["format"], document["version"]) == ("crossply-run", 1)


def test_fields_of_later_and_earlier_writers_do_not_matter():
    document = json.loads(record_to_json(a_record(9.5)))
    document["run"]["new"] = 1
    del document["run"]["pipelined"]
    assert record_from_json(json.dumps(document), "it") == a_record(9.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(version=2), r"newer Crossply \(record version 2; this one knows 1\)"),
        (lambda d: d.update(format="other"), "it is no run record"),
        (lambda d: d.pop("version"), "it is no run record: Object missing"),
        (lambda d: d["run"].pop("model"), "makes no sense"),
        (lambda d: d["run"].update(workers=[]), "its workers do not hold the 8 layers"),
        (lambda d: d["run"]["workers"][0].update(n_layers=-4), "its workers do not hold"),
        (lambda d: d["run"]["workers"][0].update(n_layers=5), "its workers do not hold"),
        (lambda d: d["run"]["shape"].update(slots=0), "its run shape is not possible"),
    ],
)
def test_what_is_refused(change, words):
    document = json.loads(record_to_json(a_record(9.5)))
    change(document)
    with pytest.raises(BadInput, match=words):
        record_from_json(json.dumps(document), "it")


def test_files(tmp_path):
    good, large, other = tmp_path / "run.json", tmp_path / "large.json", tmp_path / "other.json"
    good.write_text(record_to_json(a_record(9.5)))
    large.write_bytes(bytes(LARGEST_FILE_BYTES + 1))
    other.write_bytes(b"\xff\xfe{")
    assert read_record(good) == a_record(9.5)
    with pytest.raises(BadInput, match="too large"):
        read_record(large)
    with pytest.raises(BadInput, match="is no run record"):
        read_record(other)
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_record(tmp_path / "gone.json")
