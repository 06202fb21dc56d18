"""The dialogs that belong to the window and to no machine: palette, shortcut sheet, settings, about."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QDialog, QWidget

from engine.errors import EngineError
from gui.dialogs.command_palette import CommandPalette
from gui.dialogs.questions.choose_api_access import ChooseApiAccess
from gui.dialogs.settings_dialog import SettingsDialog
from gui.dialogs.sheets.about import About
from gui.dialogs.sheets.shortcut_sheet import ShortcutSheet
from gui.session_bridge import SessionBridge
from gui.theme import Appearance
from gui.what_to_show.actions.action_table import Facts
from gui.what_to_show.actions.palette_content import palette_of
from gui.what_to_show.actions.shortcuts_content import shortcuts_of
from gui.what_to_show.remote.api_access_content import ApiAccessContent, api_access_of
from gui.what_to_show.settings.about_content import about_of
from gui.what_to_show.settings.preferences import Language, Scheme
from gui.what_to_show.settings.settings_content import SettingGroup, settings_of
from gui.window.actions import WindowActions, keys_text
from gui.window.own_build import own_versions
from gui.window.preference_store import PreferenceStore


class WindowDialogs(QObject):
    """Lives as long as the window. One dialog of each kind at a time."""

    def __init__(
        self,
        bridge: SessionBridge,
        preferences: PreferenceStore,
        appearance: Appearance,
        window: QWidget,
        facts: Callable[[], Facts],
    ) -> None:
        super().__init__(window)
        self._facts = facts
        self._actions: WindowActions | None = None
        self._bridge = bridge
        self._preferences = preferences
        self._appearance = appearance
        self._window = window
        self.open: dict[type[QDialog], QDialog] = {}
        """Those that are open, by kind."""
        bridge.changed.connect(self._refresh)
        preferences.changed.connect(self._refresh)

    def know(self, actions: WindowActions) -> None:
        """The actions, which themselves open dialogs: what the palette and the sheet list."""
        self._actions = actions

    def show_palette(self) -> None:
        """Type, Enter."""
        actions = self._actions
        if actions is not None and not self._raised(CommandPalette):
            palette = CommandPalette(
                lambda typed: palette_of(actions.table, self._facts(), typed), keys_text, self._appearance, self._window
            )
            # After the palette is gone: an action may open a dialog of its own.
            palette.chosen.connect(lambda key: QTimer.singleShot(0, self, lambda: actions.trigger(key)))
            self._open(palette)

    def show_shortcuts(self) -> None:
        """Every key."""
        if self._actions is not None and not self._raised(ShortcutSheet):
            self._open(ShortcutSheet(shortcuts_of(self._actions.table), keys_text, self._appearance, self._window))

    def show_about(self) -> None:
        """Versions and licences."""
        if not self._raised(About):
            self._open(About(about_of(self._bridge.state, own_versions()), self._appearance, self._window))

    def show_settings(self) -> None:
        """What can be set."""
        if not self._raised(SettingsDialog):
            dialog = SettingsDialog(self._groups(), self._appearance, self._window)
            dialog.changed.connect(self.set)
            self._open(dialog)

    def show_api_access(self) -> None:
        """Who may use the API."""
        if self._raised(ChooseApiAccess):
            return
        dialog = ChooseApiAccess(self._api_access(), self._appearance, self._window)
        dialog.taken.connect(self._bridge.open_api)
        dialog.key_asked.connect(lambda: self._make_key(dialog))
        self._open(dialog)

    def _make_key(self, dialog: ChooseApiAccess) -> None:
        try:
            key = self._bridge.api_access.make_key()
        except EngineError as error:
            dialog.key_words.setText(f"{error.happened} {error.advice}")
            return
        dialog.show_content(self._api_access(new=True))
        dialog.show_key(key)

    def _api_access(self, *, new: bool = False) -> ApiAccessContent:
        access = self._bridge.api_access
        return api_access_of(
            self._bridge.state,
            addresses=access.addresses(),
            has_key=access.has_key(),
            key_file=access.key_file(),
            new=new,
        )

    def set(self, key: str, value: object) -> None:
        """What a setting was set to, at once."""
        doings: dict[str, Callable[[], None]] = {
            "reserve_fraction": lambda: self._bridge.choose_reserve(float(str(value))),
            "policy": lambda: self._bridge.choose_policy(str(value)),
            "recovery": lambda: self._bridge.choose_recovery(str(value)),
            "model_folders": lambda: self._bridge.choose_model_folders(value if isinstance(value, tuple) else ()),
            "scheme": lambda: self._preferences.set(scheme=Scheme(str(value))),
            "text_scale": lambda: self._preferences.set(text_scale=float(str(value))),
            "language": lambda: self._preferences.set(language=Language(str(value))),
        }
        doings.get(key, lambda: self._preferences.set(**{key: bool(value)}))()
        self._refresh()

    def _groups(self) -> tuple[SettingGroup, ...]:
        return settings_of(self._bridge.state, self._preferences.now, self._preferences.default)

    def _refresh(self) -> None:
        dialog = self.open.get(SettingsDialog)
        if isinstance(dialog, SettingsDialog):
            dialog.show_content(self._groups())

    def _raised(self, kind: type[QDialog]) -> bool:
        """Whether one is open already; it is brought to the front."""
        shown = self.open.get(kind)
        if shown is not None:
            shown.raise_()
            shown.activateWindow()
        return shown is not None

    def _open(self, dialog: QDialog) -> None:
        kind = type(dialog)
        self.open[kind] = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(lambda: self.open.pop(kind, None))
        if isinstance(dialog, ShortcutSheet):
            dialog.show()
        else:
            dialog.open()
