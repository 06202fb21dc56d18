"""Searches the places where programs keep models. Reads names, sizes and the first bytes of files, and writes nothing.

A folder may be huge, on a slow disk, or laid out by somebody who means no good: the search is bounded in time, depth and
entries, follows no link to a folder, opens nothing but regular files, and takes no file that lies outside the store it was
named in. What is skipped is told in the log. Rejected: Ollama's and huggingface_hub's own programs (they may not be installed,
and one of them starts a server), and an index kept on disk (it would be wrong as often as it would be quick).
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.llama_cpp.gguf.gguf_kind import PREFIX_BYTES, is_language_model
from engine.ports import CancelToken
from engine.runtimes.models.model_places import Store
from engine.runtimes.models.ollama_manifest import LARGEST_MANIFEST_BYTES, BadManifest, blob_names_of, model_name_of
from engine.runtimes.models.split_parts import PART, is_to_be_listed, part_name
from engine.vocabulary.model import FoundModel, ModelPlace

logger = logging.getLogger(__name__)

SEARCH_SECONDS = 10.0
MOST_ENTRIES = 200_000
MOST_MODELS = 500
"""A list that is longer is none that a person reads, and the window compares it ten times a second."""
_DEEPEST = 6
_DEEPEST_MANIFEST = 4
_MOST_PARTS = 1000


def search_stores(
    stores: tuple[Store, ...],
    token: CancelToken,
    *,
    seconds: float = SEARCH_SECONDS,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[FoundModel, ...]]:
    """The models of each store, sorted by name; every file once, in the first store that has it. Raises ``Cancelled``."""
    budget = _Budget(token=token, now=now, ends_at=now() + seconds)
    seen: set[str] = set()
    for store in stores:
        models = []
        for model in _models_of(store, budget):
            where = os.path.realpath(model.path)
            if where not in seen and len(seen) < MOST_MODELS:
                seen.add(where)
                models.append(model)
        yield tuple(sorted(models, key=lambda model: (model.name.lower(), model.path)))
    if budget.spent:
        logger.warning("the search for models stopped after %.0f s or %d files: not all were seen", seconds, budget.entries)


@dataclass(slots=True)
class _Budget:
    """How long a search may go on."""

    token: CancelToken
    now: Callable[[], float]
    ends_at: float
    entries: int = 0
    spent: bool = field(default=False)

    def is_left(self) -> bool:
        """Counts one entry. Raises ``Cancelled``."""
        self.token.check()
        self.entries += 1
        self.spent = self.spent or self.entries > MOST_ENTRIES or self.now() > self.ends_at
        return not self.spent


def _models_of(store: Store, budget: _Budget) -> Iterator[FoundModel]:
    if store.place is ModelPlace.OLLAMA:
        return _of_ollama(store.folder, budget)
    if store.place is ModelPlace.HUGGING_FACE:
        return _of_hugging_face(store.folder, budget)
    return _of_folder(store.folder, store.place, budget)


# -- plain folders


def _of_folder(folder: Path, place: ModelPlace, budget: _Budget) -> Iterator[FoundModel]:
    for path in _gguf_files(folder, budget):
        model = _model_at(path, place)
        if model is not None:
            yield model


def _gguf_files(folder: Path, budget: _Budget) -> Iterator[Path]:
    files = _files(folder, _DEEPEST, budget)
    return (path for path in files if path.suffix.lower() == ".gguf" and is_to_be_listed(path.name))


def _files(folder: Path, deepest: int, budget: _Budget) -> Iterator[Path]:
    """Files below ``folder`` in the order of their names, hidden folders and links to folders left out."""
    try:
        with os.scandir(folder) as entries:
            named = (entry for entry in _within(entries, budget) if _is_text(entry.name))
            found = sorted(named, key=lambda entry: entry.name)
    except OSError as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            logger.info("%s is not searched for models: %s", folder, error.strerror)
        return
    for entry in found:
        if budget.spent:
            return
        if not _is_folder(entry):
            yield Path(entry.path)
        elif deepest > 1 and not entry.name.startswith("."):
            yield from _files(Path(entry.path), deepest - 1, budget)


def _within(entries: Iterator[os.DirEntry[str]], budget: _Budget) -> Iterator[os.DirEntry[str]]:
    for entry in entries:
        if not budget.is_left():
            return
        yield entry


def _is_text(name: str) -> bool:
    """A name that is not UTF-8 could be kept in no file of ours."""
    try:
        name.encode()
    except UnicodeEncodeError:
        logger.info("%r is not searched for models: its name is not UTF-8", name)
        return False
    return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _model_at(path: Path, place: ModelPlace, name: str | None = None) -> FoundModel | None:
    """The model that begins in this file, or ``None`` when it is none or cannot be read."""
    size = _size_of(path)
    if size is None:
        return None
    try:
        with path.open("rb") as file:
            prefix = file.read(PREFIX_BYTES)
    except OSError as error:
        logger.info("%s is not offered as a model: %s", path, error.strerror)
        return None
    if not is_language_model(prefix):
        return None
    part = PART.fullmatch(path.name)
    if part is None:
        return FoundModel(path=str(path), name=name or path.name, place=place, size_bytes=size)
    count = int(part["count"])
    others = [_size_of(path.with_name(part_name(part["stem"], n, count))) for n in range(2, min(count, _MOST_PARTS) + 1)]
    there = [other for other in others if other is not None]
    return FoundModel(
        path=str(path),
        name=f"{part['stem']} ({count} parts)",
        place=place,
        size_bytes=size + sum(there),
        n_missing_parts=count - 1 - len(there),
    )


def _size_of(path: Path) -> int | None:
    """Bytes of a regular file, or ``None``: a pipe would keep whoever opens it waiting."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


# -- the Hugging Face cache: models--ORG--NAME/snapshots/REVISION/FILE, a link into models--ORG--NAME/blobs


def _of_hugging_face(hub: Path, budget: _Budget) -> Iterator[FoundModel]:
    for repository in _folders(hub, budget):
        if not repository.name.startswith("models--"):
            continue
        blobs = os.path.realpath(repository / "blobs")
        for snapshot in _folders(repository / "snapshots", budget):
            for path in _gguf_files(snapshot, budget):
                where = os.path.realpath(path)
                if not _is_below(where, blobs) and not _is_below(where, os.path.realpath(snapshot)):
                    logger.warning("%s leads out of the Hugging Face cache and is not offered", path)
                elif (model := _model_at(path, ModelPlace.HUGGING_FACE)) is not None:
                    yield model


def _folders(folder: Path, budget: _Budget) -> tuple[Path, ...]:
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(Path(entry.path) for entry in _within(entries, budget) if _is_folder(entry)))
    except OSError:
        return ()


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder + os.sep)


# -- Ollama: manifests that name blobs


def _of_ollama(store: Path, budget: _Budget) -> Iterator[FoundModel]:
    manifests = store / "manifests"
    for manifest in _files(manifests, _DEEPEST_MANIFEST, budget):
        try:
            name = model_name_of(manifest.relative_to(manifests).parts)
            blob = _blob_of(manifest, store / "blobs")
        except BadManifest as error:
            logger.warning("the Ollama manifest %s is skipped: %s", manifest, error)
            continue
        model = _model_at(blob, ModelPlace.OLLAMA, name)
        if model is not None:
            yield model


def _blob_of(manifest: Path, blobs: Path) -> Path:
    size = None if manifest.is_symlink() else _size_of(manifest)
    if size is None or size > LARGEST_MANIFEST_BYTES:
        raise BadManifest("it is not a small file")
    try:
        text = manifest.read_bytes()
    except OSError as error:
        raise BadManifest(f"it cannot be read ({error.strerror})") from None
    for name in blob_names_of(text):
        blob = blobs / name
        if _size_of(blob) is None:
            continue
        if not _is_below(os.path.realpath(blob), os.path.realpath(blobs)):
            raise BadManifest("its blob leads out of the store")
        return blob
    raise BadManifest("its blob is not there")
