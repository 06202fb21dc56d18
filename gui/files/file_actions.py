"""What is done with files: opening, saving, the questions before something is lost, what is opened from outside.

One dialog at a time, and each is open beside the running window. What a person wanted after saving is done when the session
says that it is saved, and forgotten when it says that it is not. Rejected: asking in nested event loops (the window would be
closed under an open question).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QAbstractButton, QMenu, QMessageBox, QWidget

from engine.session.state import Choices, ClusterState
from gui.dialogs.choose_cluster_file import choose_cluster_to_open, choose_cluster_to_save
from gui.dialogs.choose_model import choose_model_folder
from gui.dialogs.questions.file_questions import opens_ports_dialog, unsaved_dialog
from gui.session_bridge import SessionBridge
from gui.texts.translation import tr
from gui.what_to_show.files.document_content import DocumentContent, document_of, opens_ports_of, unsaved_of
from gui.what_to_show.files.drop_content import FileKind, kind_of

_Role = QMessageBox.ButtonRole


class FileActions(QObject):
    """Lives as long as the window."""

    def __init__(self, bridge: SessionBridge, window: QWidget) -> None:
        super().__init__(window)
        self._bridge = bridge
        self._window = window
        self._content: DocumentContent | None = None
        self._opening: str | None = None
        self._at_start: str | None = None
        self._after_saving: Callable[[], None] | None = None
        self._n_failed_saves = 0
        self._saved_before: Choices | None = None
        self.dialog: QMessageBox | None = None
        """The one that is open."""
        self.recent_clusters = QMenu(tr("Recent clusters"), window)

    # -- showing

    def show_state(self, state: ClusterState) -> None:
        """Keep the actions true, and go on with what waits for the session."""
        content = document_of(state)
        if content != self._content:
            self._show_content(content)
        self._go_on_after_saving(state)
        if self._at_start is not None and state.files_restored:
            path, self._at_start = self._at_start, None
            self.open_path(path)
        if self._opening is not None and state.document.path == self._opening:
            self._opening = None
            self._ask_about_ports(state)

    def _show_content(self, content: DocumentContent) -> None:
        before, self._content = self._content, content
        if before is not None and (before.recent, before.can_open) == (content.recent, content.can_open):
            return
        self.recent_clusters.clear()
        for known in content.recent:
            entry = self.recent_clusters.addAction(known.label.replace("&", "&&"))
            entry.triggered.connect(lambda _checked=False, path=known.path: self.open_path(path))
        self.recent_clusters.setEnabled(bool(content.recent) and content.can_open)

    # -- opening

    def open_at_start(self, path: str) -> None:
        """Open it once it is known what the last session had open, and so what would be lost."""
        self._at_start = path

    def open_path(self, path: str) -> None:
        """A model or a cluster file that was dropped, named on the command line, or chosen from the recent ones."""
        if kind_of(path) is FileKind.MODEL:
            self._bridge.choose_model(path)
        else:
            self.when_nothing_is_lost(lambda: self._open(path), leaving=False)

    def choose_and_open(self) -> None:
        """Ask which file."""
        path = choose_cluster_to_open(self._window, self._bridge.state.document.path)
        if path is not None:
            self.open_path(path)

    def _open(self, path: str) -> None:
        self._opening = path
        self._bridge.open_cluster(path)

    def _ask_about_ports(self, state: ClusterState) -> None:
        content = opens_ports_of(state)
        if content is not None and self.dialog is None:
            dialog = opens_ports_dialog(self._window, content)
            self._show(dialog, {_Role.DestructiveRole: self._bridge.open_ports_of_file})

    # -- saving

    def save(self) -> None:
        """Where it came from, or ask where to."""
        if self._bridge.state.document.path is None:
            self.choose_and_save()
        else:
            self._bridge.save_cluster(None)

    def choose_and_save(self) -> bool:
        """Ask where to; whether it was said."""
        path = choose_cluster_to_save(self._window, self._bridge.state.document.path)
        if path is not None:
            self._bridge.save_cluster(path)
        return path is not None

    def _save_then(self, then: Callable[[], None]) -> None:
        state = self._bridge.state
        self._n_failed_saves, self._saved_before = state.document.n_failed_saves, state.document.saved
        if state.document.path is not None:
            self._bridge.save_cluster(None)
        elif not self.choose_and_save():
            return
        self._after_saving = then

    def _go_on_after_saving(self, state: ClusterState) -> None:
        then = self._after_saving
        if then is None:
            return
        if state.document.n_failed_saves != self._n_failed_saves:
            self._after_saving = None
        elif unsaved_of(state, leaving=False) is None:
            self._after_saving = None
            then()
        elif state.document.saved is not self._saved_before:
            self._after_saving = None  # saved, and changed again meanwhile: it must not happen at a later save

    # -- before something is lost

    def when_nothing_is_lost(
        self, then: Callable[[], None], *, leaving: bool, discarded: Callable[[], None] | None = None
    ) -> None:
        """Do it at once, or after the person said what is to become of the changes. ``discarded``: instead of it, where they
        are to go."""
        content = unsaved_of(self._bridge.state, leaving=leaving)
        if content is None:
            then()
        elif self.dialog is None:
            answers = {_Role.AcceptRole: lambda: self._save_then(then), _Role.DestructiveRole: discarded or then}
            self._show(unsaved_dialog(self._window, content), answers)

    # -- the rest

    def choose_model_folder(self) -> None:
        """Ask for a folder in which models are looked for too."""
        folder = choose_model_folder(self._window)
        if folder is not None:
            self._bridge.add_model_folder(folder)

    def _show(self, dialog: QMessageBox, answers: dict[QMessageBox.ButtonRole, Callable[[], None]]) -> None:
        self.dialog = dialog

        def finished() -> None:
            self.dialog = None
            clicked: QAbstractButton | None = dialog.clickedButton()
            answer = None if clicked is None else answers.get(dialog.buttonRole(clicked))
            dialog.deleteLater()
            if answer is not None:
                answer()

        dialog.finished.connect(finished)
        dialog.open()
