"""Settings: applied at once, each with a mark when it is changed and a button that puts it back.

Rejected: OK, Apply and Cancel (one cannot see what a theme or a reserve does before it is done), and pages (thirteen settings
fit one).
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui.dialogs.folder_list import FolderList
from gui.small_parts.choosers import Chooser
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import inside_sentence, tr
from gui.theme import Appearance
from gui.what_to_show.settings.settings_content import Kind, SettingGroup, SettingRow, Value, changed_text


class SettingsDialog(QDialog):
    """Shows ``SettingGroup``s. ``changed`` carries a key and its new value."""

    changed = Signal(str, object)

    def __init__(self, groups: tuple[SettingGroup, ...], appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.setWindowTitle(tr("Settings"))
        self.lines: dict[str, SettingLine] = {}
        """By key."""
        inside = QWidget()
        inside.setObjectName("page")
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(20, 12, 20, 12)
        self._list.setSpacing(8)
        for group in groups:
            self._add_group(group)
        self._list.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        self.summary = PlainLabel()
        self.summary.setProperty("role", "muted")
        self.summary.setWordWrap(True)
        self.close_button = QPushButton(tr("Close"))
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.setContentsMargins(20, 4, 20, 14)
        foot.addWidget(self.summary, 1)
        foot.addWidget(self.close_button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self._scroll, 1)
        box.addLayout(foot)
        self.show_content(groups)
        self._fit()
        appearance.changed.connect(self._fit)

    def show_content(self, groups: tuple[SettingGroup, ...]) -> None:
        """Values as they are now. The settings themselves are always the same ones."""
        for row in (row for group in groups for row in group.rows):
            self.lines[row.key].show_row(row)
        self.summary.setText(changed_text(groups))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Whatever is reached by Tab is scrolled into view."""
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            self._scroll.ensureWidgetVisible(watched, 20, 40)
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        room = self.screen().availableSize()
        width, height = self._appearance.pixels(720), self._appearance.pixels(620)
        self.resize(min(width, room.width() - 40), min(height, room.height() - 60))

    def _add_group(self, group: SettingGroup) -> None:
        title = PlainLabel(group.title)
        title.setObjectName("title")
        panel = QFrame()
        panel.setObjectName("panel")
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(14, 4, 14, 4)
        inside.setSpacing(0)
        for place, row in enumerate(group.rows):
            line = SettingLine(row, self._appearance, last=place == len(group.rows) - 1)
            line.changed.connect(self.changed)
            for control in (line.control, line.reset):
                control.installEventFilter(self)
            self.lines[row.key] = line
            inside.addWidget(line)
        self._list.addWidget(title)
        self._list.addWidget(panel)
        self._list.addSpacing(6)


class SettingLine(QFrame):
    """One setting: what it means on the left, how it is set on the right, and under it the way back."""

    changed = Signal(str, object)

    def __init__(self, row: SettingRow, appearance: Appearance, *, last: bool) -> None:
        super().__init__()
        self._row = row
        self._appearance = appearance
        if not last:
            self.setObjectName("command")  # with a hairline under it
        self.title = PlainLabel(row.title)
        self.title.setObjectName("name")
        words = PlainLabel(row.words)
        words.setProperty("role", "muted")
        words.setWordWrap(True)
        self.control = self._control_of(row)
        self.reset = QPushButton()
        self.reset.setObjectName("link")
        self.reset.setAutoDefault(False)
        self.reset.clicked.connect(self._put_back)
        left = QVBoxLayout()
        left.setSpacing(1)
        left.addWidget(self.title)
        left.addWidget(words)
        left.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(1)
        right.addWidget(self.control)
        right.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignRight)
        right.addStretch(1)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 8, 0, 8)
        box.setSpacing(20)
        box.addLayout(left, 3)
        box.addLayout(right, 2)

    def show_row(self, row: SettingRow) -> None:
        """Its value now, and whether that is its default."""
        self._row = row
        self._set(row)
        self.title.setText(tr("{title}  •  changed", title=row.title) if row.changed else row.title)
        self.control.setEnabled(not row.locked or row.kind is Kind.NOTE)
        self.control.setToolTip(plain_tip(row.locked or row.words))
        self.reset.setText(tr("Back to {default_text}", default_text=row.default_text))
        self.reset.setAccessibleName(tr("{title}: back to {default_text}", title=row.title, default_text=row.default_text))
        self.reset.setToolTip(plain_tip(row.locked or tr("Put {what} back to how it comes", what=inside_sentence(row.title))))
        self.reset.setVisible(row.changed)
        self.reset.setEnabled(not row.locked)

    def _put_back(self) -> None:
        self.control.setFocus()  # the button goes: the keyboard must not be left without a place
        self.changed.emit(self._row.key, self._row.default)

    def _say(self, value: Value) -> None:
        if value != self._row.value:
            self.changed.emit(self._row.key, value)

    def _control_of(self, row: SettingRow) -> QWidget:
        if row.kind is Kind.PERCENT:
            return self._percent(row)
        if row.kind is Kind.CHOICE:
            chooser = Chooser(row.title, row.words)
            chooser.show_entries(tuple((key, words, "") for key, words in row.options), str(row.value))
            chooser.picked.connect(self._say)
            return chooser
        if row.kind is Kind.FLAG:
            flag = QCheckBox(tr("On"))
            flag.setAccessibleName(row.title)
            flag.clicked.connect(self._say)
            return flag
        if row.kind is Kind.FOLDERS:
            folders = FolderList(row.title)
            folders.changed.connect(self._say)
            return folders
        note = PlainLabel(f"{row.value}\n{row.locked}")
        note.setWordWrap(True)
        return note

    def _percent(self, row: SettingRow) -> QSpinBox:
        spin = QSpinBox()
        spin.setRange(row.least, row.most)
        spin.setSuffix(" %")
        spin.setKeyboardTracking(False)
        spin.lineEdit().setTextMargins(8, 0, 0, 0)  # with a stylesheet, Qt forgets the padding on the side without buttons
        spin.setAccessibleName(row.title)
        spin.valueChanged.connect(lambda percent: self._say(percent / 100))
        return spin

    def _set(self, row: SettingRow) -> None:
        control = self.control
        control.blockSignals(True)
        if isinstance(control, QSpinBox) and isinstance(row.value, float):
            if control.value() != round(row.value * 100):  # else what is just being typed would be overwritten
                control.setValue(round(row.value * 100))
        elif isinstance(control, QComboBox):
            control.setCurrentIndex(control.findData(row.value))
        elif isinstance(control, QCheckBox):
            control.setChecked(bool(row.value))
            control.setText(tr("On") if row.value else tr("Off"))
        elif isinstance(control, FolderList) and isinstance(row.value, tuple):
            control.show_folders(row.value)
        control.blockSignals(False)
