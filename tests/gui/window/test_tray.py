"""The tray icon and notifications, on a tray and a ``notify-send`` of the test's own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QProcess, QStandardPaths
from PySide6.QtWidgets import QSystemTrayIcon

from gui.what_to_show.notices_of_moments import Notification
from tests.fakes.states import cluster_states as states


@pytest.fixture
def tray_there(monkeypatch) -> None:
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))


@pytest.fixture
def sent(monkeypatch) -> list[list[str]]:
    """What ``notify-send`` was told."""
    told: list[list[str]] = []
    monkeypatch.setattr(QStandardPaths, "findExecutable", staticmethod(lambda name: f"/usr/bin/{name}"))
    monkeypatch.setattr(QProcess, "startDetached", staticmethod(lambda _program, words: told.append(words)))
    return told


def served_after(seconds: float):
    base = states.ready()
    return replace(base, run=replace(base.run, ready_after_seconds=seconds))


def test_no_tray_no_icon(open_window) -> None:
    window = open_window(states.ready())
    window.preferences.set(tray=True)
    assert window.tray.icon is None


def test_the_icon_is_there_while_something_runs_and_only_if_wanted(tray_there, open_window) -> None:
    window = open_window(states.plan_shown())
    assert window.preferences.now.tray
    assert window.tray.icon is None
    window.session.show(states.ready())
    window.bridge.pull()
    assert window.tray.icon.isVisible()
    assert "Serving Qwen3 32B" in window.tray.icon.toolTip()
    window.preferences.set(tray=False)
    assert not window.tray.icon.isVisible()
    window.preferences.set(tray=True)
    assert window.tray.icon.isVisible()
    window.session.show(states.plan_shown())
    window.bridge.pull()
    assert not window.tray.icon.isVisible()


def test_its_menu_shows_the_window_and_stops(tray_there, open_window) -> None:
    window = open_window(states.ready())
    window.hide()
    entries = {action.text().replace("&", ""): action for action in window.tray.icon.contextMenu().actions()}
    entries["Show the window"].trigger()
    assert window.isVisible()
    entries["Stop"].trigger()
    assert window.session.commands == [("stop",)]


def test_a_message_goes_through_the_icon_or_notify_send(tray_there, open_window, sent, monkeypatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda _self, title, *_rest: shown.append(title))
    window = open_window(states.ready())
    window.tray.notify(Notification(title="Served", words="At last."))
    window.preferences.set(tray=False)
    window.tray.notify(Notification(title="Failed", words="Too bad.", failed=True))
    assert shown == ["Served"]
    assert sent == [["--app-name=Crossply", "--urgency=critical", "--", "Failed", "Too bad."]]


@pytest.mark.parametrize(("in_front", "wanted", "told"), [(False, True, 1), (True, True, 0), (False, False, 0)])
def test_only_when_the_window_is_not_in_front_and_it_is_wanted(
    open_window, sent, monkeypatch, in_front: bool, wanted: bool, told: int
) -> None:
    window = open_window(states.loading())
    monkeypatch.setattr(window, "isActiveWindow", lambda: in_front)
    window.preferences.set(notify=wanted)
    window.session.show(served_after(42.0))
    window.bridge.pull()
    assert len(sent) == told
