"""Choose a GGUF file with the system's own dialog."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from gui.texts.translation import tr


def choose_model_file(parent: QWidget, beside: str | None) -> str | None:
    """A path, or ``None`` when the person changed their mind. Starts in the folder of ``beside``."""
    folder = str(Path(beside).parent) if beside else str(Path.home())
    path, _chosen_filter = QFileDialog.getOpenFileName(
        parent, tr("Choose a model"), folder, tr("GGUF models (*.gguf);;All files (*)")
    )
    return path or None


def choose_model_folder(parent: QWidget) -> str | None:
    """A folder with models, or ``None``."""
    return QFileDialog.getExistingDirectory(parent, tr("Choose a folder with GGUF files"), str(Path.home())) or None


def choose_runtime_folder(parent: QWidget) -> str | None:
    """A folder with llama.cpp programs, or ``None``."""
    return (
        QFileDialog.getExistingDirectory(parent, tr("Choose a folder with llama-server and rpc-server"), str(Path.home()))
        or None
    )
