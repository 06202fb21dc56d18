"""What stands above the page while there is no model: where to get one, in two buttons."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.small_parts.plain_label import PlainLabel
from gui.texts.translation import tr
from gui.what_to_show.files.model_offer_content import ModelOfferContent


class ModelOffer(QFrame):
    """Shows a ``ModelOfferContent``, or nothing."""

    get_asked = Signal()
    browse_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("question")
        self._title = PlainLabel()
        self._title.setObjectName("name")
        self._words = PlainLabel()
        self._words.setWordWrap(True)
        self.get = QPushButton()
        self.get.setToolTip(tr("Fetch it into Crossply's own folder; it is chosen when it is there"))
        self.browse = QPushButton(tr("Browse…"))
        self.browse.setToolTip(tr("Choose a GGUF file (Ctrl+O)"))
        self.get.clicked.connect(self.get_asked)
        self.browse.clicked.connect(self.browse_asked)
        text = QVBoxLayout()
        text.setSpacing(2)
        text.addWidget(self._title)
        text.addWidget(self._words)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(8)
        row.addLayout(text, 1)
        row.addWidget(self.get)
        row.addWidget(self.browse)
        self.hide()

    def show_content(self, content: ModelOfferContent | None) -> None:
        """Show it; ``None`` hides it."""
        if content is not None:
            self._title.setText(content.title)
            self._words.setText(content.words)
            self.get.setText(content.get)
            self.get.setVisible(bool(content.get))
        self.setVisible(content is not None)
