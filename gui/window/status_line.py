"""The bottom line: what is served where, and what is exposed."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QWidget

from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.small_widgets import ElidedLabel, set_role
from gui.texts.translation import tr
from gui.what_to_show.status_content import StatusContent

_GAP, _MARGIN = 8, 16


class StatusLine(QWidget):
    """Shows a ``StatusContent``'s two sentences and the address's buttons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._url = ""
        self.left = ElidedLabel(role="text")
        self.right = PlainLabel()
        self.right.setProperty("role", "muted")
        self.copy_address = CopyButton(tr("Copy address"), tr("the address of the API"))
        self.copy_curl = CopyButton(tr("Copy curl"), tr("a curl command that asks the model"))
        self.try_it = QPushButton()
        self.try_it.setObjectName("link")
        self.open = QPushButton(tr("Open"))
        self.open.setObjectName("link")
        self.open.setToolTip(tr("Open llama-server's own page in the browser"))
        self.open.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(self._url)))
        self._buttons = (self.try_it, self.copy_address, self.copy_curl, self.open)
        row = QHBoxLayout()
        row.setSpacing(_GAP)
        row.addWidget(self.left, 1)
        for button in self._buttons:
            row.addWidget(button)
        self._lines = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._lines.setContentsMargins(_MARGIN, 4, _MARGIN, 4)
        self._lines.setSpacing(_GAP)
        self._lines.addLayout(row, 1)
        self._lines.addWidget(self.right)

    def show_content(self, content: StatusContent) -> None:
        """Show it."""
        self._url = content.api_url or ""
        self.left.show_text(content.left)
        set_role(self.left, content.left_role)
        self.right.setText(content.right)
        set_role(self.right, content.right_role)
        self.copy_address.show_text(self._url)
        self.copy_curl.show_text(content.curl)
        for button in self._buttons:
            button.setVisible(content.api_url is not None)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """What is exposed goes into a second line before what is served is shortened: large text, a narrow window."""
        words = self.left.fontMetrics().horizontalAdvance(self.left.accessibleName())
        others = [part.sizeHint().width() for part in (*self._buttons, self.right) if not part.isHidden()]
        fits = words + sum(others) + _GAP * len(others) + 2 * _MARGIN <= self.width()
        self._lines.setDirection(QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom)
        self._lines.setSpacing(_GAP if fits else 0)
