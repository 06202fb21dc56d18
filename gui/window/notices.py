"""What pushes in above the page: what becomes of a run that broke, a banner per problem, a bar per thing under way.

They push the page down and do not cover it, and they stay until they are over or dismissed. Rejected: message boxes for
problems (they interrupt, and are gone when one wants to copy them).
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.assets import icon
from gui.session_bridge import SessionBridge
from gui.small_parts.copy_button import CopyButton
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.small_widgets import ElidedLabel
from gui.texts.translation import tr
from gui.theme import Appearance, fixed_font
from gui.what_to_show.formatting import percent_text
from gui.what_to_show.recovery_content import RecoveryContent
from gui.what_to_show.status_content import BannerContent, ProgressContent
from gui.window.recovery_strip import RecoveryStrip

_SHOWN_AT_MOST = 3


class Banner(QFrame):
    """One problem: what happened, what to do, details on demand."""

    dismissed = Signal(object)
    """The ``Problem``."""

    def __init__(self, appearance: Appearance, content: BannerContent, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._content = content
        mark = PlainLabel()
        mark.setPixmap(icon("alert", appearance.colour("bad")).pixmap(16, 16))
        words = PlainLabel(content.happened)
        words.setObjectName("name")
        advice = PlainLabel(content.advice)
        for label in (words, advice):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.expander = QPushButton(tr("Details"))
        self.expander.setObjectName("link")
        self.expander.setCheckable(True)
        self.expander.setVisible(bool(content.details))
        self.details = QPlainTextEdit(content.details)
        self.details.setReadOnly(True)
        self.details.setFont(fixed_font(appearance.pixels(12)))
        self.details.setMaximumHeight(appearance.pixels(110))
        self.details.setAccessibleName(tr("Details"))
        self.details.hide()
        self.expander.toggled.connect(self.details.setVisible)
        copy = CopyButton(tr("Copy"), tr("this problem"))
        copy.show_text("\n".join(part for part in (content.happened, content.advice, content.details) if part))
        self.dismiss = QToolButton()
        self.dismiss.setObjectName("dots")
        self.dismiss.setIcon(icon("close", appearance.colour("text")))
        self.dismiss.setToolTip(tr("Dismiss"))
        self.dismiss.setAccessibleName(tr("Dismiss"))
        self.dismiss.clicked.connect(lambda: self.dismissed.emit(content.problem))
        head = QHBoxLayout()
        head.setSpacing(8)
        text = QVBoxLayout()
        text.setSpacing(0)
        text.addWidget(words)
        if content.advice:
            text.addWidget(advice)
        head.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(text, 1)
        for button in (self.expander, copy, self.dismiss):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 8, 8)
        box.addLayout(head)
        box.addWidget(self.details)


class ProgressLine(QFrame):
    """One thing under way, with a bar and Cancel."""

    cancel_asked = Signal(str)

    def __init__(self, appearance: Appearance, activity_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("progress")
        self._id = activity_id
        self._title = PlainLabel()
        self._title.setObjectName("name")
        self._detail = ElidedLabel(role="muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMinimumWidth(appearance.pixels(160))
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setObjectName("link")
        self.cancel.clicked.connect(lambda: self.cancel_asked.emit(self._id))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 12, 6)
        row.setSpacing(12)
        row.addWidget(self._title)
        row.addWidget(self.bar, 1)
        row.addWidget(self._detail, 1)
        row.addWidget(self.cancel)

    def show_content(self, content: ProgressContent) -> None:
        """How far it is."""
        percent = "" if content.fraction is None else f" {percent_text(content.fraction)}"
        self._title.setText(content.title + percent)
        self._detail.show_text(content.detail)
        self.bar.setAccessibleName(content.title)
        self.bar.setRange(0, 0 if content.fraction is None else 1000)
        self.bar.setValue(0 if content.fraction is None else round(content.fraction * 1000))
        self.cancel.setVisible(content.can_cancel)
        self.cancel.setAccessibleName(tr("Cancel {title}", title=content.title))


class Notices(QWidget):
    """All banners and progress lines."""

    dismissed = Signal(object)
    """The ``Problem``."""
    cancel_asked = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.recovery = RecoveryStrip(appearance)
        self._shown: tuple[BannerContent, ...] = ()
        self._lines: dict[str, ProgressLine] = {}
        self.banners: list[Banner] = []
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(8)
        self._more = PlainLabel()
        self._more.setProperty("role", "muted")
        self._more.hide()
        self._box.addWidget(self.recovery)
        self._box.addWidget(self._more)
        self.recovery.dismiss.clicked.connect(self._show_if_any)
        self.hide()

    @property
    def lines(self) -> dict[str, ProgressLine]:
        """Progress lines by activity."""
        return self._lines

    def connect_to(self, bridge: SessionBridge) -> None:
        """What is done here goes to the session."""
        self.dismissed.connect(bridge.dismiss)
        self.cancel_asked.connect(bridge.cancel)
        self.recovery.go_asked.connect(bridge.try_again)
        self.recovery.go_back_asked.connect(bridge.go_back)
        self.recovery.stop_asked.connect(bridge.stop)

    def show_content(
        self,
        banners: tuple[BannerContent, ...],
        progress: tuple[ProgressContent, ...],
        recovery: RecoveryContent | None = None,
    ) -> None:
        """Show all; nothing of any hides the whole."""
        self._show_progress(progress)
        self.recovery.show_content(recovery)
        if banners != self._shown:
            self._shown = banners
            self._show_banners(banners)
        self._show_if_any()

    def _show_if_any(self) -> None:
        self.setVisible(bool(self._shown or self._lines or not self.recovery.isHidden()))

    def _show_banners(self, contents: tuple[BannerContent, ...]) -> None:
        for banner in self.banners:
            self._box.removeWidget(banner)
            banner.deleteLater()
        self.banners = [Banner(self._appearance, content) for content in contents[:_SHOWN_AT_MOST]]
        for place, banner in enumerate(self.banners):
            banner.dismissed.connect(self.dismissed)
            self._box.insertWidget(place + 1, banner)
        left = len(contents) - len(self.banners)
        self._more.setText(tr("and {left} more: dismiss these to see them", left=left))
        self._more.setVisible(left > 0)

    def _show_progress(self, contents: tuple[ProgressContent, ...]) -> None:
        wanted = {content.id for content in contents}
        for gone in [name for name in self._lines if name not in wanted]:
            line = self._lines.pop(gone)
            self._box.removeWidget(line)
            line.deleteLater()
        for content in contents:
            if content.id not in self._lines:
                line = ProgressLine(self._appearance, content.id)
                line.cancel_asked.connect(self.cancel_asked)
                self._lines[content.id] = line
                self._box.addWidget(line)
            self._lines[content.id].show_content(content)
