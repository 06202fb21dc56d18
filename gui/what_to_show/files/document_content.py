"""The cluster file that is open: its name, whether it was changed, what can be done with it, which were open before."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.choosing.cluster_document import asks_for_exposure, is_changed, would_lose
from engine.session.state import ClusterState
from gui.texts.translation import tr
from gui.what_to_show.formatting import file_name


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentContent:
    """One file of the menu."""

    path: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentContent:
    """The header's words and the menu's entries."""

    name: str
    """Of the open file; empty without one."""
    changed: bool
    words: str
    can_open: bool
    """False while a run is up: it would go on with what it was launched with."""
    recent: tuple[RecentContent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsavedContent:
    """The question before something would be lost."""

    happened: str
    save: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpensPortsContent:
    """The question about a file that opens ports on the network."""

    happened: str
    machines: str
    warning: str


def document_of(state: ClusterState) -> DocumentContent:
    """What is open."""
    path, changed = state.document.path, is_changed(state)
    return DocumentContent(
        name="" if path is None else file_name(path),
        changed=changed,
        words=""
        if path is None
        else (tr("{path}\nChanged since it was saved (Ctrl+S saves it)", path=path) if changed else path),
        can_open=not state.run_wanted and not state.closing,
        recent=tuple(RecentContent(path=known, label=_with_folder(known)) for known in state.recent_clusters),
    )


def unsaved_of(state: ClusterState, *, leaving: bool) -> UnsavedContent | None:
    """The question, or ``None`` when nothing would be lost. ``leaving``: what was never saved is remembered for the next
    start; another file would take its place."""
    path = state.document.path
    if path is not None:
        return (
            UnsavedContent(happened=tr("{path} was changed.", path=file_name(path)), save=tr("Save"))
            if is_changed(state)
            else None
        )
    if leaving or not would_lose(state):
        return None
    return UnsavedContent(happened=tr("The machines that you chose are in no file yet."), save=tr("Save as…"))


def opens_ports_of(state: ClusterState) -> OpensPortsContent | None:
    """The question about the open file, or ``None`` when there is none."""
    wanted = asks_for_exposure(state)
    if not wanted or state.document.path is None:
        return None
    names = {remote.id: remote.name for remote in state.remotes}
    return OpensPortsContent(
        happened=tr("{path} opens workers on the network.", path=file_name(state.document.path)),
        machines="\n".join(
            tr("{machine}: on {address}", machine=names.get(machine, machine), address=address) for machine, address in wanted
        ),
        warning=tr(
            "Anyone who reaches such a port owns the account that the worker runs under. A tunnel lets in nobody else."
        ),
    )


def _with_folder(path: str) -> str:
    name = file_name(path)
    folder = path[: -len(name)].rstrip("/\\")
    return f"{name} — {folder}" if folder else name
