"""Files dropped on the window: the whole window takes them, and says over everything else what it will do.

The events are taken from the window's handle, before the widgets see them: a text field would put the file's address into its
text. Rejected: an event filter on the application (it would be asked about every event of 200 cards), and a drop zone of its
own (nobody aims).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.small_widgets import set_role
from gui.theme import Appearance
from gui.what_to_show.files.drop_content import DropContent

_ENTER, _MOVE, _LEAVE, _DROP = QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.DragLeave, QEvent.Type.Drop


class DropOverlay(QWidget):
    """Covers the window while something hovers over it. The mouse goes through it."""

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._covered = parent
        self._appearance = appearance
        self._accepts = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = PlainLabel()
        self.title.setObjectName("brand")
        self.words = PlainLabel()
        self.words.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(48, 48, 48, 48)
        box.addStretch(1)
        for label in (self.title, self.words):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            box.addWidget(label)
        box.addStretch(1)
        self.hide()

    def show_content(self, content: DropContent) -> None:
        """What would happen."""
        self._accepts = content.path is not None
        self.title.setText(content.title)
        self.words.setText(content.words)
        set_role(self.words, "text" if self._accepts else "bad")
        self.setGeometry(self._covered.rect())
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A veil over the window and a frame: whole where a drop does something, broken where it is refused."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = self._appearance.colour("panel")
        veil.setAlphaF(0.97)
        painter.fillRect(self.rect(), veil)
        pen = QPen(self._appearance.colour("link" if self._accepts else "bad"), 3)
        pen.setStyle(Qt.PenStyle.SolidLine if self._accepts else Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(16, 16, -16, -16), 8, 8)
        painter.end()


class DropTarget(QObject):
    """Lives as long as the window. ``dropped`` carries the path that is to be opened."""

    dropped = Signal(str)

    def __init__(self, content_of: Callable[[tuple[str, ...]], DropContent], appearance: Appearance, window: QWidget) -> None:
        super().__init__(window)
        self._content_of = content_of
        self._window = window
        self.overlay = DropOverlay(appearance, window)
        window.setAcceptDrops(True)

    def watch(self) -> None:
        """When the window is shown: it has a handle then."""
        handle = self._window.windowHandle()
        if handle is not None:
            handle.removeEventFilter(self)
            handle.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Take what carries files; the rest goes its way."""
        kind = event.type()
        if kind in (_ENTER, _MOVE, _DROP) and isinstance(event, QDropEvent):
            return self._take(event)
        if kind == _LEAVE:
            self.overlay.hide()
        return False

    def _take(self, event: QDropEvent) -> bool:
        paths = _local_files(event.mimeData())
        if not paths:
            return False
        content = self._content_of(paths)
        if event.type() == _DROP:
            self.overlay.hide()
            if content.path is not None:
                event.setDropAction(Qt.DropAction.CopyAction)
                event.accept()
                self.dropped.emit(content.path)
            return True
        self.overlay.show_content(content)
        if content.path is None:
            event.ignore()
        else:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        return True


def _local_files(data: QMimeData) -> tuple[str, ...]:
    urls = data.urls() if data.hasUrls() else []
    return tuple(url.toLocalFile() for url in urls if url.isLocalFile())
