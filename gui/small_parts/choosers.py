"""A combo box that is shown contents: it changes its entries only when they changed, and speaks only when a person chose."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPaintEvent, QPalette, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from gui.small_parts.plain_tips import plain_tip

HEADING = "\0heading"
"""The key of an entry that is a heading: it is read and cannot be chosen. An empty key is a choice like any other ("all")."""


class Chooser(QComboBox):
    """Keys and labels; ``picked`` carries the key."""

    picked = Signal(str)

    def __init__(self, name: str, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[tuple[str, str, str], ...] = ()
        self._words = words
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setAccessibleName(name)
        self.setToolTip(plain_tip(words))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.activated.connect(lambda place: self.picked.emit(str(self.itemData(place))))

    def show_entries(self, entries: tuple[tuple[str, str, str], ...], chosen: str | None, *, words: str | None = None) -> None:
        """Entries are (key, label, tooltip). ``chosen`` ``None`` shows the placeholder."""
        if entries != self._entries:
            self._entries = entries
            self.clear()
            for key, label, tip in entries:
                self.addItem(label, key)
                self.setItemData(self.count() - 1, plain_tip(tip or label), Qt.ItemDataRole.ToolTipRole)
            self._make_headings()
        place = -1 if chosen is None else self.findData(chosen)
        if place != self.currentIndex():
            self.setCurrentIndex(place)
        self.setToolTip(plain_tip(self._words if words is None else words))

    def _make_headings(self) -> None:
        """Bold, and in the ink of what can be chosen: they are read, and not something that is switched off."""
        model = self.model()
        font = self.font()
        font.setBold(True)
        for place, (key, _label, _tip) in enumerate(self._entries):
            if key == HEADING and isinstance(model, QStandardItemModel):
                item = model.item(place)
                item.setFlags(Qt.ItemFlag.NoItemFlags)
                item.setFont(font)
                item.setForeground(self.palette().brush(QPalette.ColorGroup.Active, QPalette.ColorRole.Text))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._make_headings()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """As Qt paints it, but with … where there is no room: a style with a stylesheet cuts the words off."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0:
            option.palette.setBrush(QPalette.ColorRole.ButtonText, option.palette.placeholderText())
            option.currentText = self.placeholderText()
        room = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room.width() - 2)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A wheel that scrolls the page must not change a plan on its way."""
        event.ignore()
