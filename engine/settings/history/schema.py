"""The tables of the history and the steps from one version of them to the next (``PRAGMA user_version``).

A row holds the whole record as JSON; columns are only what is searched by. So a new field of a record needs no new schema.
"""

from __future__ import annotations

import sqlite3

from engine.errors import HistoryUnusable

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY, at TEXT NOT NULL, model_name TEXT NOT NULL, model_hash TEXT NOT NULL, record TEXT NOT NULL
        )""",
    ),
    ("CREATE INDEX runs_by_time ON runs (at)", "CREATE INDEX runs_by_model ON runs (model_hash, at)"),
)
"""Entry *i* leads from version *i* to *i + 1*; entries are only ever added."""

VERSION = len(MIGRATIONS)


def bring_up_to_date(connection: sqlite3.Connection, name: str) -> None:
    """All steps that are missing, in one transaction: another process may be doing the same.

    Raises ``HistoryUnusable`` for a file of a newer Crossply, and what sqlite3 raises.
    """
    if version_of(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = version_of(connection)  # again: whoever held the lock may have done it
        if found > VERSION:
            raise HistoryUnusable(
                f"{name} was written by a newer Crossply (version {found}; this one knows {VERSION}).",
                advice="Update Crossply, or move the file away.",
            )
        for steps in MIGRATIONS[found:]:
            for step in steps:
                connection.execute(step)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself undoes it when the disk is full
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """0 for a new file."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
