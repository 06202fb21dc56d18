"""The whole window in its main states and every dialog: names, the keyboard alone, a visible focus, no words cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from engine.session.state import ClusterState
from gui.dialogs.add_machines import AddMachines
from gui.dialogs.command_palette import CommandPalette
from gui.dialogs.questions.ask_secret import AskSecret
from gui.dialogs.questions.choose_api_access import ChooseApiAccess
from gui.dialogs.questions.choose_exposure import ChooseExposure
from gui.dialogs.questions.confirm_host_key import ConfirmHostKey
from gui.dialogs.questions.confirm_quit import confirm_quit_dialog
from gui.dialogs.questions.confirm_remove import confirm_remove_dialog
from gui.dialogs.settings_dialog import SettingsDialog
from gui.dialogs.sheets.about import About
from gui.dialogs.sheets.shortcut_sheet import ShortcutSheet
from gui.dialogs.sheets.show_fault import fault_dialog
from gui.dialogs.sheets.worker_worths import WorkerWorths
from gui.theme import Appearance, Scheme
from gui.what_to_show.actions.action_table import Facts, window_actions
from gui.what_to_show.actions.palette_content import palette_of
from gui.what_to_show.actions.shortcuts_content import shortcuts_of
from gui.what_to_show.files.quit_content import quit_of
from gui.what_to_show.remote.api_access_content import api_access_of
from gui.what_to_show.remote.exposure_content import exposure_of
from gui.what_to_show.remote.found_machines_content import add_machines_of
from gui.what_to_show.remote.questions_content import question_of
from gui.what_to_show.settings.about_content import about_of
from gui.what_to_show.settings.preferences import Preferences
from gui.what_to_show.settings.settings_content import settings_of
from gui.window.actions import keys_text
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states
from tests.gui.looks.walk import clipped_texts, described, interactive, name_of, shows_focus, tab_through

NOT_BY_TAB = {
    "CommandPalette Actions": "the arrow keys of the field above it move in it",
}
"""(Window, name) that Tab does not come to, and why that is right."""

STATES: dict[str, Callable[[], ClusterState]] = {
    name: make
    for name, make in {**states.every_state(), "four phases": remote_states.four_phases}.items()
    if name not in ("looking", "map_mismatch", "starting")  # made of the same parts as the others
}


def _exposure(appearance: Appearance) -> QWidget:
    content = exposure_of(remote_states.with_remotes(remote_states.ready()), remote_states.target(2).machine_id)
    assert content is not None
    dialog = ChooseExposure(content, "10.0.0.1", appearance)
    next(iter(dialog.addresses.values())).setChecked(True)
    return dialog


def _api(appearance: Appearance) -> QWidget:
    content = api_access_of(states.ready(), addresses=("10.0.0.7", "192.168.1.2"), has_key=True, key_file="/k", new=True)
    dialog = ChooseApiAccess(content, appearance)
    dialog.show_key("sk-crossply-" + "x" * 43)
    dialog.addresses["10.0.0.7"].setChecked(True)
    dialog.understood.setChecked(True)
    return dialog


def _adding(appearance: Appearance) -> QWidget:
    dialog = AddMachines(appearance)
    dialog.show_content(add_machines_of(remote_states.found()))
    return dialog


def _palette(appearance: Appearance) -> QWidget:
    facts = Facts(state=states.ready(), preferences=Preferences())
    table = window_actions(("Throughput", "Logs"))
    return CommandPalette(lambda typed: palette_of(table, facts, typed), keys_text, appearance)


def _settings(appearance: Appearance) -> QWidget:
    changed = Preferences(text_scale=appearance.text_scale, ask_at_quit=False, scheme=Scheme.DARK)
    return SettingsDialog(settings_of(states.plan_shown(), changed, Preferences()), appearance)


def kept_parent() -> QWidget:
    """A parent that the test keeps: PySide would take it away, and the dialog with it."""
    parent = QWidget()
    PARENTS.append(parent)
    return parent


PARENTS: list[QWidget] = []
DIALOGS: dict[str, Callable[[Appearance], QWidget]] = {
    "settings": _settings,
    "palette": _palette,
    "shortcuts": lambda appearance: ShortcutSheet(shortcuts_of(window_actions(("Logs",))), keys_text, appearance),
    "about": lambda appearance: About(about_of(states.ready(), (("Crossply", "0.1.0"),)), appearance),
    "adding": _adding,
    "exposure": _exposure,
    "api": _api,
    "host key": lambda appearance: ConfirmHostKey(question_of(remote_states.asking()), appearance),
    "secret": lambda appearance: AskSecret(question_of(remote_states.asks_password()), appearance),
    "worths": lambda appearance: WorkerWorths(("CPU adds 18 GB and costs 0.9 tok/s.", "cuda:0 adds 11 tok/s.")),
    "quit": lambda appearance: confirm_quit_dialog(kept_parent(), quit_of(states.ready())),
    "remove": lambda appearance: confirm_remove_dialog(kept_parent(), "lab-02", clean=True, n_workers=2),
    "fault": lambda appearance: fault_dialog("Traceback\nRuntimeError: 7"),
}


@pytest.fixture
def open_dialog(qtbot, appearance) -> Iterator[Callable[[str], QWidget]]:
    def open_it(name: str) -> QWidget:
        dialog = DIALOGS[name](appearance)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitUntil(dialog.isActiveWindow)
        qtbot.wait(30)
        return dialog

    yield open_it
    PARENTS.clear()


def walk(top: QWidget) -> list[str]:
    """Everything that is wrong for someone without a mouse or without sight."""
    wanted = interactive(top)
    wrong = [f"no name: {described(widget)}" for widget in wanted if not name_of(widget).strip()]
    reached = tab_through(top)
    for widget in wanted:
        by_tab = widget in reached or _group_is_reached(widget, reached)
        if not by_tab and f"{type(top).__name__} {name_of(widget)}" not in NOT_BY_TAB:
            wrong.append(f"not reached by Tab: {described(widget)}")
    wrong += [f"no focus to be seen: {described(widget)}" for widget in reached if not shows_focus(widget)]
    return wrong


def _group_is_reached(widget: QWidget, reached: list[QWidget]) -> bool:
    """Tab comes to one radio button of a group; the arrow keys go to the others."""
    group = getattr(widget, "group", lambda: None)()
    return group is not None and any(button in reached for button in group.buttons())


@pytest.mark.parametrize("name", list(STATES))
def test_the_window_can_be_used_without_a_mouse_and_without_sight(qtbot, open_window, name: str) -> None:
    window = open_window(STATES[name]())
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.wait(60)
    assert walk(window) == []


@pytest.mark.parametrize("tab", range(5))
def test_every_tab_can_be_used_without_a_mouse_and_without_sight(qtbot, open_window, tab: int) -> None:
    window = open_window(states.ready())
    window.session.say("llama-server", *(f"line {number}" for number in range(50)))
    window.bridge.pull()
    window.tabs.setCurrentIndex(tab)
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.wait(60)
    assert walk(window) == []


@pytest.mark.parametrize("name", list(DIALOGS))
def test_every_dialog_can_be_used_without_a_mouse_and_without_sight(open_dialog, name: str) -> None:
    assert walk(open_dialog(name)) == []


@pytest.mark.parametrize("scheme", [Scheme.DARK, Scheme.HIGH_CONTRAST, Scheme.HIGH_CONTRAST_DARK])
def test_the_focus_is_seen_in_every_theme(qtbot, open_window, appearance, scheme: Scheme) -> None:
    window = open_window(states.ready())
    window.preferences.set(scheme=scheme)
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.wait(30)
    assert walk(window) == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("name", list(STATES))
def test_no_words_of_the_window_are_cut_off_at_1024_by_700(qtbot, open_window, name: str, scale: float) -> None:
    window = open_window(STATES[name]())
    window.preferences.set(text_scale=scale)
    window.resize(1024, 700)
    qtbot.wait(60)
    assert clipped_texts(window) == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("tab", range(5))
def test_no_words_of_a_tab_are_cut_off_at_1024_by_700(qtbot, open_window, tab: int, scale: float) -> None:
    window = open_window(states.ready())
    window.preferences.set(text_scale=scale)
    window.resize(1024, 700)
    window.tabs.setCurrentIndex(tab)
    qtbot.wait(60)
    assert clipped_texts(window) == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("name", list(DIALOGS))
def test_no_words_of_a_dialog_are_cut_off(appearance, open_dialog, name: str, scale: float) -> None:
    appearance.show(Scheme.LIGHT, scale)
    dialog = open_dialog(name)
    room = QGuiApplication.primaryScreen().availableSize()
    assert clipped_texts(dialog) == []
    if name in ("settings", "shortcuts", "about"):
        assert dialog.width() <= room.width()
        assert dialog.height() <= room.height()
