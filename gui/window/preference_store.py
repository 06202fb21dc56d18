"""The window's preferences as they are kept: in Qt's own settings file, under the names of their fields."""

from __future__ import annotations

from dataclasses import fields, replace

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QSystemTrayIcon

from gui.what_to_show.settings.preferences import Preferences, as_words, preferences_from


class PreferenceStore(QObject):
    """``now`` is what holds; ``changed`` says that another one does. What is the default is not written down, so that a
    better default of a later Crossply is taken up."""

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.default = preferences_from({}, tray_available=QSystemTrayIcon.isSystemTrayAvailable())
        self.now = read_preferences(settings, tray_available=self.default.tray)

    def change(self, wanted: Preferences) -> None:
        """Take these up and write them down."""
        if wanted == self.now:
            return
        self.now = wanted
        words, defaults = as_words(wanted), as_words(self.default)
        for name, word in words.items():
            if word == defaults[name]:
                self._settings.remove(name)
            else:
                self._settings.setValue(name, word)
        self.changed.emit()

    def set(self, **values: object) -> None:
        """The same with some of them changed."""
        self.change(replace(self.now, **values))  # type: ignore[arg-type]


def read_preferences(settings: QSettings, *, tray_available: bool = False) -> Preferences:
    """What was kept."""
    words = {field.name: str(settings.value(field.name, "")) for field in fields(Preferences)}
    return preferences_from(words, tray_available=tray_available)
