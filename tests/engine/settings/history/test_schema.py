"""Every older version becomes the newest one with its rows, and a failed step leaves nothing half-done."""

import sqlite3
from contextlib import closing

import pytest

from engine.errors import HistoryUnusable
from engine.settings.history import schema


@pytest.mark.parametrize("start", range(schema.VERSION + 1))
def test_from_every_version(start):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for steps in schema.MIGRATIONS[:start]:
            for step in steps:
                connection.execute(step)
        connection.execute(f"PRAGMA user_version = {start}")
        if start:
            connection.execute("INSERT INTO runs VALUES ('1', 't', 'm', 'h', '{}')")
        schema.bring_up_to_date(connection, "it")
        assert schema.version_of(connection) == schema.VERSION
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (int(start > 0),)
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL")}
        assert names == {"runs", "runs_by_time", "runs_by_model"}


def test_a_step_that_fails_leaves_the_old_version(monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE more (a)", "NO SUCH WORD")))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            schema.bring_up_to_date(connection, "it")
        assert schema.version_of(connection) == 0
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_newer_one_is_refused():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 9")
        with pytest.raises(HistoryUnusable, match="it was written by a newer Crossply"):
            schema.bring_up_to_date(connection, "it")
