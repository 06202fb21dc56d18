"""What a person does in the window, for tests: press a card's button, check a row, look at the open dialog."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QTreeWidget

from engine.session.state import ClusterState
from engine.vocabulary.remote import SshTarget
from gui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton


def show(window: MainWindow, state: ClusterState) -> None:
    window.session.show(state)
    window.bridge.pull()


def told(window: MainWindow, command: str) -> list[tuple[object, ...]]:
    return [known[1:] for known in window.session.commands if known[0] == command]


def dialog(window: MainWindow):
    assert window.machine_actions.dialog is not None
    return window.machine_actions.dialog


def answer(dialog: QMessageBox, words: str) -> None:
    """Press the button that says so."""
    QTest.mouseClick(next(button for button in dialog.buttons() if button.text() == words), LEFT)


def check(tree: QTreeWidget, name: str) -> None:
    """As a person does with the keyboard."""
    (item,) = tree.findItems(name, Qt.MatchFlag.MatchExactly, 0)
    tree.setCurrentItem(item)
    QTest.keyClick(tree, Qt.Key.Key_Space)


def press(window: MainWindow, machine: SshTarget, action: str) -> None:
    QTest.mouseClick(window.machines.card(machine.machine_id).buttons[action], LEFT)


def choose_in_menu(window: MainWindow, machine: SshTarget, action: str) -> None:
    entries = window.machines.card(machine.machine_id).menu.actions()
    next(entry for entry in entries if entry.data() == action).trigger()
