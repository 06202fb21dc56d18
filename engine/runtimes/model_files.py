"""Model files on disk: opens GGUF headers, finds the other parts of a split model, lists the models of a folder.

The rim around ``engine.llama_cpp.gguf``, which is pure. Implements ``ports.ModelReader``. Parts
are named as llama.cpp names them (``llama_split_path``: ``NAME-00001-of-00003.gguf``); any part may be chosen, the first is
what llama-server must be given. Rejected: looking at the magic bytes of every file in a folder (slow on network shares).
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.errors import BadModelFile
from engine.llama_cpp.gguf.gguf_header import GgufHeader, read_gguf_header
from engine.llama_cpp.gguf.model_facts import read_model_facts
from engine.ports import CancelToken
from engine.runtimes.model_hash import model_hash
from engine.runtimes.models.found_models import search_stores
from engine.runtimes.models.model_places import Store
from engine.runtimes.models.split_parts import PART, is_to_be_listed, part_name
from engine.vocabulary.model import FoundModel, ModelFacts

MAX_PARTS: Final = 1000


class GgufModelFiles:
    """Reads models from the file system. Implements ``ports.ModelReader``."""

    def __init__(self, folder: Path | None = None, stores: Callable[[], tuple[Store, ...]] = tuple) -> None:
        """``folder`` is ours; ``stores`` says anew for every search where else to look (a person may add folders)."""
        self._folder = folder
        self._stores = stores

    def found(self) -> tuple[str, ...]:
        """Paths of the models in our folder; none when there is no folder yet."""
        return list_model_files(str(self._folder)) if self._folder is not None and self._folder.is_dir() else ()

    def search(self, token: CancelToken) -> Iterator[tuple[FoundModel, ...]]:
        """The models of every place on this machine where programs keep them, place by place; takes seconds at most."""
        return search_stores(self._stores(), token)

    def read(self, path: str) -> ModelFacts:
        """Facts of a model, from any of its files. Raises ``BadModelFile``."""
        chosen = Path(path)
        header = _header(chosen)
        first, n_parts = _first_part(chosen, header)
        headers = [(str(part), header if part == chosen else _header(part)) for part in _parts(first, n_parts)]
        for number, (part, of_part) in enumerate(headers):
            _check_part(Path(part), of_part, number, n_parts)
        return read_model_facts(headers)

    def hash_of(self, model: ModelFacts) -> str:
        """SHA-256 of the first MiB and the sizes of its files; empty when they cannot be read."""
        return model_hash(model.files or ((model.path,) if model.path else ()))


def list_model_files(folder: str) -> tuple[str, ...]:
    """Paths of the models in ``folder``, by name; of a split model its first part. Raises ``BadModelFile``."""
    try:
        found = sorted(entry for entry in Path(folder).iterdir() if entry.suffix.lower() == ".gguf" and entry.is_file())
    except OSError as error:
        raise BadModelFile(f"The folder {folder} cannot be read: {error.strerror}.") from error
    return tuple(str(entry) for entry in found if is_to_be_listed(entry.name))


def _header(path: Path) -> GgufHeader:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadModelFile(f"{path} is not a file.", advice="Choose a .gguf file.")
        with path.open("rb") as file:
            return read_gguf_header(file, size_bytes=status.st_size, name=path.name)
    except OSError as error:
        raise BadModelFile(f"{path} cannot be read: {error.strerror}.", advice="Choose another model file.") from error
    except ValueError as error:  # a null byte in the path
        raise BadModelFile(f"{path!s:.200} cannot be the name of a file.", advice="Choose a .gguf file.") from error


def _first_part(chosen: Path, header: GgufHeader) -> tuple[Path, int]:
    """The first part and how many there are; a model in one piece is its own first part."""
    count = header.values.get("split.count", 1)
    if not isinstance(count, int) or count <= 1:
        return chosen, 1
    part = PART.fullmatch(chosen.name)
    if part is None or int(part["count"]) != count or count > MAX_PARTS:
        raise BadModelFile(
            f"{chosen.name} is one of {count} parts of a model, and its name does not say which.",
            advice=f"Give the parts their names back: NAME-00001-of-{count:05}.gguf and so on.",
        )
    return chosen.with_name(part_name(part["stem"], 1, count)), count


def _parts(first: Path, n_parts: int) -> list[Path]:
    part = PART.fullmatch(first.name)
    if n_parts == 1 or part is None:
        return [first]
    return [first.with_name(part_name(part["stem"], number + 1, n_parts)) for number in range(n_parts)]


def _check_part(path: Path, header: GgufHeader, number: int, n_parts: int) -> None:
    """llama-model-loader.cpp refuses parts in the wrong places, too."""
    if n_parts > 1 and (header.values.get("split.no"), header.values.get("split.count")) != (number, n_parts):
        raise BadModelFile(
            f"{path.name} does not hold part {number + 1} of {n_parts}, as its name says.",
            advice="Download or copy it again.",
        )
