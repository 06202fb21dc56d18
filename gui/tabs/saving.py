"""Save something to a file that the person names, and say where it went beside the button that was pressed.

Rejected: a message box for what went well (nobody reads the second one), and choosing the folder ourselves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QStandardPaths, QTimer
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.settings.on_disk.whole_files import write_atomically
from gui.small_parts.small_widgets import ElidedLabel, set_role
from gui.texts.translation import tr

_SAID_MILLISECONDS = 20_000


def ask_where(parent: QWidget, title: str, suggested: str, kinds: str) -> str | None:
    """The system's own dialog. ``None`` = the person changed their mind."""
    path, _kind = QFileDialog.getSaveFileName(parent, title, suggested, kinds)
    return path or None


class SaveLine(ElidedLabel):
    """Says what became of the last saving."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(role="muted", parent=parent)
        self._folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation) or str(Path.home())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SAID_MILLISECONDS)
        self._timer.timeout.connect(self._forget)
        self.hide()

    def save(self, title: str, name: str, kinds: str, write: Callable[[Path], None]) -> None:
        """Ask where, write (which raises ``OSError``), tell. The next dialog begins in the same folder."""
        chosen = ask_where(self.window(), title, str(Path(self._folder) / name), kinds)
        if chosen is None:
            return
        path = Path(chosen)
        self._folder = str(path.parent)
        try:
            _write_whole(path, write)
        except OSError as error:
            self._say(
                tr("{path} could not be written: {error}. Choose another folder.", path=path, error=error.strerror or error),
                "bad",
            )
        else:
            self._say(tr("Saved to {path}", path=path), "good")

    def save_text(self, title: str, name: str, kinds: str, text: str) -> None:
        """The same for a text."""
        self.save(title, name, kinds, lambda path: _write_text(path, text))

    def _say(self, words: str, role: str) -> None:
        self.show_text(words)
        self.show()
        set_role(self, role)
        self._timer.start() if role == "good" else self._timer.stop()

    def _forget(self) -> None:
        self.show_text("")
        self.hide()


def _write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """What is there is replaced by the whole of it, or stays: a full disk must not cost the chart of last week. Who may read a
    new file is the system's rule, for it is the person's. Raises ``OSError``."""
    with tempfile.TemporaryDirectory(prefix="crossply-save-") as folder:
        made = Path(folder) / path.name
        write(made)
        is_new = not path.exists()
        path.touch()
        try:
            write_atomically(path, made.read_bytes())
        except OSError:
            if is_new:
                path.unlink(missing_ok=True)
            raise


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")
