"""Choose a cluster file to open or to save to, with the system's own dialog."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from gui.texts.translation import mark, tr

SUFFIX = "crossply.toml"
_FILTER = mark("Crossply clusters (*.{suffix});;TOML files (*.toml)")


def choose_cluster_to_open(parent: QWidget, beside: str | None) -> str | None:
    """A path, or ``None`` when the person changed their mind."""
    path, _chosen_filter = QFileDialog.getOpenFileName(
        parent, tr("Open a cluster"), _folder(beside), tr(_FILTER, suffix=SUFFIX)
    )
    return path or None


def choose_cluster_to_save(parent: QWidget, beside: str | None) -> str | None:
    """The same, with a name that is proposed. The ending is added before it is asked whether a file may be overwritten."""
    dialog = QFileDialog(parent, tr("Save the cluster as"), _folder(beside), tr(_FILTER, suffix=SUFFIX))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(SUFFIX)
    dialog.selectFile(Path(beside).name if beside else f"lab.{SUFFIX}")
    chosen = dialog.selectedFiles() if dialog.exec() else []
    dialog.deleteLater()
    return chosen[0] if chosen else None


def _folder(beside: str | None) -> str:
    return str(Path(beside).parent) if beside else str(Path.home())
