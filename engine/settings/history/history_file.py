"""Every measured run, in one SQLite file. Implements ``ports.RunHistory``.

A connection per call (a call takes a millisecond, and connections must not cross threads), WAL, and ten seconds of patience
with other processes. A damaged file is set aside under another name and told about; nothing measured is ever deleted but the
oldest runs beyond ``MOST_RUNS``. Rejected: a JSON file (two processes would lose each other's runs) and one connection for all
(its lock would have to be shared between threads by hand).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from engine.errors import BadInput, HistoryUnusable
from engine.settings.history.record_json import record_from_json, record_to_json
from engine.settings.history.schema import bring_up_to_date
from engine.settings.on_disk.damaged_files import set_aside
from engine.settings.on_disk.file_lock import hold_lock
from engine.settings.on_disk.whole_files import FILE_MODE, private_folder
from engine.vocabulary.running.run_record import RunRecord

MOST_RUNS = 5000
"""About 6 kB each."""
BUSY_SECONDS = 10.0
_T = TypeVar("_T")


class HistoryFile:
    """The file. Nothing is opened or made before the first call."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), most: int = MOST_RUNS) -> None:
        self._path = path
        self._now = now
        self._most = most
        self._lock = threading.Lock()
        self._notices: list[str] = []

    def save(self, record: RunRecord) -> RunRecord:
        """Keep it, with id and date if it has none; with an id it replaces the run of that id. Raises ``HistoryUnusable``."""
        now = self._now()
        record = replace(record, at=record.at or now.isoformat(timespec="seconds"))
        if record.id:
            self._with_file(partial(self._insert, record=record, verb="INSERT OR REPLACE"))
            return record
        # Short enough to be typed, so two runs of one second may draw the same: then it is drawn again.
        while True:
            named = replace(record, id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}")
            with contextlib.suppress(sqlite3.IntegrityError):
                self._with_file(partial(self._insert, record=named, verb="INSERT"))
                return named

    def _insert(self, connection: sqlite3.Connection, record: RunRecord, verb: str) -> None:
        row = (record.id, record.at, record.model.name, record.model.hash, record_to_json(record))
        with connection:
            connection.execute(f"{verb} INTO runs VALUES (?, ?, ?, ?, ?)", row)
            oldest = "SELECT id FROM runs ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?"
            connection.execute(f"DELETE FROM runs WHERE id IN ({oldest})", (self._most,))  # noqa: S608 - no value in it

    def load(self, run_id: str) -> RunRecord | None:
        """The one run whose id is this, or begins with it; ``None`` for none or several. Raises ``HistoryUnusable``."""
        query = "SELECT id, record FROM runs WHERE substr(id, 1, ?) = ? LIMIT 2"
        rows = self._with_file(lambda connection: connection.execute(query, (len(run_id), run_id)).fetchall())
        return _record(rows[0]) if len(rows) == 1 and run_id else None

    def runs(self, *, model_hash: str | None = None, limit: int = 200) -> tuple[RunRecord, ...]:
        """Newest first. Raises ``HistoryUnusable``."""
        query = "SELECT id, record FROM runs WHERE ? IS NULL OR model_hash = ? ORDER BY at DESC, rowid DESC LIMIT ?"
        if not self._path.exists():
            return ()
        rows = self._with_file(lambda connection: connection.execute(query, (model_hash, model_hash, limit)).fetchall())
        return tuple(record for row in rows if (record := _record(row)) is not None)

    def notices(self) -> tuple[str, ...]:
        """What a person should know, each once."""
        with self._lock:
            told, self._notices = tuple(self._notices), []
        return told

    def _with_file(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._lock:
            try:
                return self._try(work)
            except sqlite3.IntegrityError:
                raise
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise self._unusable(error) from None
                self._set_aside(error)
            try:
                return self._try(work)
            except sqlite3.DatabaseError as error:
                raise self._unusable(error) from None

    def _try(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._opened() as connection:
            return work(connection)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._make()
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            with contextlib.suppress(sqlite3.OperationalError):  # a file system without shared memory: slower, still right
                connection.execute("PRAGMA journal_mode = WAL")
            bring_up_to_date(connection, str(self._path))
            yield connection
        finally:
            connection.close()

    def _make(self) -> None:
        """Made by us and not by SQLite, so that it never was readable for others."""
        try:
            private_folder(self._path.parent)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, FILE_MODE))
        except OSError as error:
            raise self._unusable(error) from None

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Its journal goes along: it may hold runs that the file does not have yet."""
        try:
            with hold_lock(self._path):
                if self._is_whole():  # another process has set it aside meanwhile
                    return
                what = "The history of runs"
                self._notices.append(
                    set_aside(self._path, what=what, why=str(error), companions=("-wal", "-shm"), now=self._now())
                )
        except OSError as why:
            raise self._unusable(why) from None

    def _is_whole(self) -> bool:
        try:
            return self._try(lambda connection: connection.execute("PRAGMA integrity_check(1)").fetchall()) == [("ok",)]
        except sqlite3.DatabaseError as error:
            return not _is_damage(error)

    def _unusable(self, error: Exception) -> HistoryUnusable:
        said = getattr(error, "strerror", None) or str(error)
        return HistoryUnusable(
            f"The history of runs {self._path} cannot be used: {said}.", advice="See its folder and the disk."
        )


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return error.sqlite_errorname in ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CORRUPT_INDEX", "SQLITE_CORRUPT_VTAB")


def _record(row: tuple[str, str]) -> RunRecord | None:
    """A row that cannot be read is passed over: the others still can."""
    try:
        return record_from_json(row[1], f"run {row[0]}")
    except BadInput:
        return None
