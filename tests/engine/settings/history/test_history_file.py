"""The history file: kept, bounded, private, shared between processes, migrated, and set aside when damaged."""

import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import HistoryUnusable
from engine.settings.history.history_file import HistoryFile
from engine.settings.history.schema import VERSION, version_of
from tests.fakes.states.run_records import a_record

ROOT = Path(__file__).parents[4]


class Now:
    """A minute later at every look."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "history.sqlite"


@pytest.fixture
def history(path):
    return HistoryFile(path, now=Now(), most=3)


def sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]
    finally:
        connection.close()


def test_a_run_comes_back_as_it_was_with_id_and_date(history):
    kept = history.save(a_record(9.0, 11.0))
    assert kept.at == "2026-11-24T03:01:00+00:00"
    assert kept.id.startswith("20261124-030100-")
    assert history.runs() == (kept,)
    assert history.load(kept.id) == kept
    assert history.load(kept.id[:-1]) == kept
    assert kept.decode_measured == 10.0


def test_nothing_is_made_by_looking(history, path):
    assert history.runs() == ()
    assert not path.exists()


def test_one_of_the_same_id_is_replaced(history):
    kept = history.save(a_record(9.0))
    history.save(a_record(9.0, 12.0, id=kept.id, at=kept.at))
    (only,) = history.runs()
    assert len(only.samples) == 2


def test_newest_first_of_one_model_and_no_more_than_asked(history):
    kept = [history.save(a_record(rate)) for rate in (1.0, 2.0, 3.0)]
    assert history.runs(limit=2) == (kept[2], kept[1])
    assert history.runs(model_hash="abc") == tuple(reversed(kept))
    assert history.runs(model_hash="other") == ()


def test_only_the_newest_are_kept(history):
    kept = [history.save(a_record(float(rate))) for rate in range(1, 6)]
    assert history.runs() == tuple(reversed(kept[2:]))


def test_an_id_that_is_not_there_or_means_several(history):
    history.save(a_record(1.0))
    history.save(a_record(2.0))
    assert history.load("2026") is None
    assert history.load("") is None
    assert history.load("1999%") is None


def test_nobody_else_may_read_it(history, path):
    history.save(a_record(1.0))
    holder = sqlite3.connect(path)  # so that the side files stay
    try:
        holder.execute("SELECT count(*) FROM runs").fetchone()
        history.save(a_record(2.0))
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["history.sqlite", "history.sqlite-shm", "history.sqlite-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        holder.close()


def test_a_damaged_file_is_set_aside_and_told_about_once(history, path):
    path.parent.mkdir()
    path.write_bytes(b"this is no database, it is a letter" * 100)
    kept = history.save(a_record(1.0))
    assert history.runs() == (kept,)
    (notice,) = history.notices()
    assert "was damaged" in notice
    assert history.notices() == ()
    aside = next(file for file in path.parent.iterdir() if "damaged" in file.name)
    assert aside.read_bytes().startswith(b"this is no database")
    assert str(aside) in notice


def test_pages_overwritten_in_the_middle_are_damage_too(path):
    history = HistoryFile(path)
    for rate in range(1, 60):
        history.save(a_record(float(rate)))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    assert history.runs() == ()
    assert len(history.notices()) == 1
    assert len((history.save(a_record(1.0)),)) == len(history.runs())


def test_a_newer_version_is_refused_in_one_sentence_and_left_alone(history, path):
    history.save(a_record(1.0))
    sql(path, "PRAGMA user_version = 99")
    with pytest.raises(HistoryUnusable, match=rf"newer Crossply \(version 99; this one knows {VERSION}\)"):
        history.save(a_record(2.0))
    assert sql(path, "SELECT count(*) FROM runs") == [(1,)]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryUnusable, match=r"cannot be used: (Not a directory|File exists)"):
        HistoryFile(tmp_path / "file" / "history.sqlite").save(a_record(1.0))


def test_a_row_that_makes_no_sense_is_passed_over(history, path):
    kept = history.save(a_record(1.0))
    sql(path, "INSERT INTO runs VALUES ('x', '2027', 'm', 'abc', '{}')")
    assert history.runs() == (kept,)
    assert history.load("x") is None


def test_a_locked_file_is_said_and_not_set_aside(history, path, monkeypatch):
    history.save(a_record(1.0))
    monkeypatch.setattr("engine.settings.history.history_file.BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HistoryUnusable, match="database is locked"):
            history.save(a_record(2.0))
    finally:
        holder.close()
    assert history.notices() == ()


SAVE_MANY = """
import sys
from pathlib import Path
from engine.settings.history.history_file import HistoryFile
from tests.fakes.states.run_records import a_record
history = HistoryFile(Path(sys.argv[1]))
for _ in range(20):
    history.save(a_record(float(sys.argv[2])))
"""


def test_two_runs_never_get_the_same_id(path, monkeypatch):
    """Seen: two processes, one second, one of 40 runs gone."""
    drawn = iter(["aaaa", "aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(drawn))
    history = HistoryFile(path, now=lambda: datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    first, second = history.save(a_record(1.0)), history.save(a_record(2.0))
    assert (first.id[-4:], second.id[-4:]) == ("aaaa", "bbbb")
    assert history.load(first.id) == first


def test_two_processes_at_once_lose_nothing(path):
    writers = [subprocess.Popen([sys.executable, "-c", SAVE_MANY, str(path), rate], cwd=ROOT) for rate in ("1", "2")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    runs = HistoryFile(path).runs()
    assert sorted(run.decode_measured for run in runs) == [1.0] * 20 + [2.0] * 20
    connection = sqlite3.connect(path)
    assert version_of(connection) == VERSION
    connection.close()
