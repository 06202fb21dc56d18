"""A run record as JSON, versioned: what ``crossplyctl record`` writes and what a row of the history holds.

::

    {"format": "crossply-run", "version": 1, "run": {...}}

Unknown keys inside ``run`` are ignored and missing ones get their defaults, so that a version only rises when the meaning of a
key changes. Such a file comes from other people: it is bounded, parsed strictly and nothing in it is executed.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import msgspec

from engine.errors import BadInput
from engine.vocabulary.running.run_record import RunRecord

FORMAT = "crossply-run"
VERSION = 1
LARGEST_FILE_BYTES = 4 << 20
MOST_WORKERS = 64
MOST_LAYERS = 100_000


class _Head(msgspec.Struct, frozen=True):
    format: str
    version: int


class _File(msgspec.Struct, frozen=True):
    format: str
    version: int
    run: RunRecord


def record_to_json(record: RunRecord) -> str:
    """The whole document, with a line end."""
    document = msgspec.json.encode({"format": FORMAT, "version": VERSION, "run": asdict(record)})
    return msgspec.json.format(document, indent=2).decode() + "\n"


def record_from_json(text: str | bytes, name: str) -> RunRecord:
    """``name`` is how the sentences call it. Raises ``BadInput``."""
    try:
        head = msgspec.json.decode(text, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{name} is no run record: {error}.", advice="crossplyctl record writes one.") from None
    if head.format != FORMAT:
        raise BadInput(f"{name} is no run record.", advice="crossplyctl record writes one.")
    if head.version > VERSION:
        raise BadInput(
            f"{name} was written by a newer Crossply (record version {head.version}; this one knows {VERSION}).",
            advice="Update Crossply.",
        )
    try:
        record = msgspec.json.decode(text, type=_File).run
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{name} is a run record that makes no sense: {error}.", advice="Record the run again.") from None
    _check(record, name)
    return record


def read_record(path: Path) -> RunRecord:
    """The record in a file. Raises ``BadInput``."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise BadInput(f"{path} is too large for a run record.", advice="crossplyctl record writes one.")
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", advice="Name a file of crossplyctl record.") from None
    return record_from_json(content, str(path))


def _check(record: RunRecord, name: str) -> None:
    counts = [worker.n_layers for worker in record.workers]
    sensible = 0 < len(counts) <= MOST_WORKERS and all(0 <= n <= MOST_LAYERS for n in counts)
    if not sensible or sum(counts) != record.model.n_layers:
        raise BadInput(f"{name}: its workers do not hold the {record.model.n_layers} layers of its model.")
    shape = record.shape
    numbers = (shape.context_tokens, shape.slots, shape.batch_tokens, shape.ubatch_tokens, record.cpu_workers)
    if min(numbers) < 1 or record.cpu_workers > MOST_WORKERS:
        raise BadInput(f"{name}: its run shape is not possible.")
