"""What would happen if these files were dropped, by their names alone: nothing is read while it hovers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.runtimes.models.split_parts import PART, part_name
from engine.session.state import ClusterState
from gui.texts.translation import tr
from gui.what_to_show.formatting import file_name


class FileKind(StrEnum):
    """What a file is taken for."""

    MODEL = "model"
    CLUSTER = "cluster"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropContent:
    """``path`` is ``None`` where nothing would be done."""

    path: str | None
    kind: FileKind
    title: str
    words: str


def kind_of(path: str) -> FileKind:
    """By the end of its name."""
    name = file_name(path).lower()
    if name.endswith(".gguf"):
        return FileKind.MODEL
    return FileKind.CLUSTER if name.endswith(".toml") else FileKind.NEITHER


def drop_of(paths: tuple[str, ...], state: ClusterState) -> DropContent:
    """What dropping them does."""
    path = _one_of(paths)
    if path is None:
        return _refused(tr("One file at a time"), tr("Drop one GGUF model or one cluster file."))
    name, kind = file_name(path), kind_of(path)
    if kind is FileKind.NEITHER:
        return _refused(
            tr("Not this one"), tr("{name} is neither a GGUF model nor a cluster file (.crossply.toml).", name=name)
        )
    if state.run_wanted or state.closing:
        return _refused(tr("Not while it runs"), tr("Stop the run first, then drop {name} again.", name=name))
    title = tr("Drop to use this model") if kind is FileKind.MODEL else tr("Drop to open this cluster")
    return DropContent(path=path, kind=kind, title=title, words=name)


def _one_of(paths: tuple[str, ...]) -> str | None:
    """The one file, or the first part when all are parts of one model."""
    if len(paths) == 1:
        return paths[0]
    parts = [PART.fullmatch(file_name(path)) for path in paths]
    models = {None if part is None else (part["stem"], int(part["count"])) for part in parts}
    model = models.pop() if len(models) == 1 else None
    if model is None:
        return None
    folder = paths[0][: -len(file_name(paths[0]))]
    return folder + part_name(model[0], 1, model[1])


def _refused(title: str, words: str) -> DropContent:
    return DropContent(path=None, kind=FileKind.NEITHER, title=title, words=words)
