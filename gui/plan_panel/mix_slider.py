"""From chat to documents: what the policy "fastest" is to be fast at. Planned anew when it is let go, not at every pixel."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.texts.translation import mark, tr
from gui.theme import Appearance

_STEP = 10
_WORDS = mark(
    "What the fastest plan is fast at: generating (chat) or reading prompts (documents). {share} % of all tokens are prompt."
)


class MixSlider(QWidget):
    """Says the share of tokens that are prompt, in percent."""

    chosen = Signal(int)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setSingleStep(_STEP)
        self.slider.setPageStep(_STEP)
        self.slider.setTracking(False)
        self.slider.setAccessibleName(tr("From chat to documents"))
        self._appearance = appearance
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for words in (tr("Chat"), tr("Documents")):
            label = PlainLabel(words)
            label.setProperty("role", "muted")
            row.addWidget(label)
        row.insertWidget(1, self.slider)
        row.addStretch(1)
        self.slider.valueChanged.connect(self.chosen)
        appearance.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self.slider.setFixedWidth(self._appearance.pixels(150))

    def show_share(self, percent: int) -> None:
        """Where it stands; says nothing."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(percent)
        self.slider.setToolTip(plain_tip(tr(_WORDS, share=percent)))
