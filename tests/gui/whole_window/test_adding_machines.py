"""From the button "Add machines" to a machine that takes part, by clicks and keys."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTreeWidget

from engine.errors import HostKeyUnknown, SecretNeeded
from engine.vocabulary.remote import SecretKind, SecretQuestion, SshTarget
from gui.main_window import MainWindow
from gui.session_bridge import SessionBridge
from tests.fakes.ports.fake_remote import a_key
from tests.fakes.sessions.fake_outside import Fakes, planned_session, settle
from tests.fakes.states import remote_states as remote
from tests.gui.window_hands import LEFT, check, choose_in_menu, dialog, press, show, told


def test_the_dialog_searches_when_it_opens_and_stops_when_it_closes(qtbot, open_window) -> None:
    window = open_window(remote.with_remotes())
    qtbot.mouseClick(window.machines.add, LEFT)
    assert told(window, "find_machines") == [(False,)]
    qtbot.mouseClick(dialog(window).wide, LEFT)
    assert told(window, "find_machines") == [(False,), (True,)]
    n_stops = len(told(window, "cancel"))
    qtbot.keyClick(dialog(window), Qt.Key.Key_Escape)
    assert told(window, "cancel")[n_stops:] == [("find-machines",)]
    assert window.machine_actions.dialog is None


def test_it_opens_by_its_shortcut_once(qtbot, open_window) -> None:
    window = open_window(remote.with_remotes())
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    first = dialog(window)
    window.machine_actions.add_machines()
    assert dialog(window) is first


def test_the_keyboard_stays_on_its_machine_when_the_search_puts_others_before_it(qtbot, open_window) -> None:
    known = remote.found_machines()[:2]
    window = open_window(remote.found())
    state = window.session.snapshot()

    def show_found(*machines) -> None:
        show(window, replace(state, finding=replace(state.finding, found=machines)))

    window.machine_actions.add_machines()
    tree = dialog(window).findChild(QTreeWidget)
    show_found(known[1])
    tree.setCurrentItem(tree.topLevelItem(0))
    show_found(*known)
    qtbot.keyClick(tree, Qt.Key.Key_Space)
    assert [row.name for row in tree.checked] == [known[1].name]


def test_a_typed_address_is_added_and_its_card_is_there(qtbot, open_window) -> None:
    window = open_window(remote.with_remotes())
    window.machine_actions.add_machines()
    assert not dialog(window).add.isEnabled()
    qtbot.keyClicks(dialog(window).address, "ada@10.0.0.5:2200")
    qtbot.keyClick(dialog(window).address, Qt.Key.Key_Return)
    target = SshTarget(host="10.0.0.5", user="ada", port=2200)
    assert told(window, "add_machines") == [(target,)]
    window.bridge.pull()
    assert "connecting" in window.machines.card(target.machine_id).status.text()
    assert window.machine_actions.dialog is None


def test_a_bad_address_is_told_and_the_dialog_stays(qtbot, open_window) -> None:
    window = open_window(remote.with_remotes())
    window.machine_actions.add_machines()
    qtbot.keyClicks(dialog(window).address, "ada@10.0.0.5:99999")
    qtbot.mouseClick(dialog(window).add, LEFT)
    assert "between 1 and 65535" in dialog(window).problem.text()
    assert told(window, "add_machines") == []
    qtbot.keyClick(dialog(window).address, Qt.Key.Key_Backspace)
    assert "65535" not in dialog(window).problem.text()


def test_what_is_wrong_with_an_address_stays_said_while_the_search_goes_on(qtbot, open_window) -> None:
    window = open_window(remote.with_remotes())
    window.machine_actions.add_machines()
    dialog(window).address.setText("ada@node:99999")
    qtbot.mouseClick(dialog(window).add, LEFT)
    show(window, remote.found())
    assert "between 1 and 65535" in dialog(window).problem.text()


def test_the_list_grows_keeps_its_checks_and_adds_what_is_checked(qtbot, open_window) -> None:
    window = open_window(remote.with_remotes(remote.ready()))
    window.machine_actions.add_machines()
    show(window, remote.found(running=True, n=2))
    tree = dialog(window).list
    assert tree.topLevelItemCount() == 2
    check(tree, "gpu-node")
    assert dialog(window).user.text() == "lab"
    show(window, remote.found())
    assert tree.topLevelItemCount() == 6
    check(tree, "10.0.0.23")
    check(tree, "lab-02")
    assert dialog(window).add.text() == "Add 2 machines"
    assert dialog(window).again.isVisible()
    qtbot.mouseClick(dialog(window).add, LEFT)
    assert told(window, "add_machines") == [(SshTarget(host="10.0.0.23"), SshTarget(host="gpu-node", user="lab"))]


def test_a_machine_that_gets_a_better_name_stays_checked(open_window) -> None:
    window = open_window(remote.with_remotes())
    window.machine_actions.add_machines()
    state = remote.found(base=remote.with_remotes())
    show(window, state)
    check(dialog(window).list, "10.0.0.23")
    named = tuple(replace(found, name="lab-23") if found.name == "10.0.0.23" else found for found in state.finding.found)
    show(window, replace(state, finding=replace(state.finding, found=named)))
    assert [row.name for row in dialog(window).list.checked] == ["lab-23"]


def test_a_changed_user_name_counts_for_all_checked(qtbot, open_window) -> None:
    window = open_window(remote.found())
    window.machine_actions.add_machines()
    check(dialog(window).list, "gpu-node")
    check(dialog(window).list, "ollama-box.local")
    dialog(window).user.selectAll()
    qtbot.keyClicks(dialog(window).user, "grace")
    qtbot.mouseClick(dialog(window).add, LEFT)
    assert told(window, "add_machines") == [
        (SshTarget(host="gpu-node", user="grace"), SshTarget(host="10.0.0.22", user="grace"))
    ]


def test_adding_survives_a_choice_made_before_the_session_knows(open_window) -> None:
    window = open_window(remote.with_remotes())
    before = window.session.state
    window.bridge.add_machines((remote.target(5),))
    window.session.fall_behind(before)
    window.bridge.choose_policy("even")
    (chosen,) = told(window, "choose")[-1]
    assert chosen.targets == (remote.target(5),)


def test_from_an_address_to_a_ready_machine_on_a_real_session(qtbot, appearance, tmp_path) -> None:
    """The whole way: typed, key accepted, password given, looked at, ready, removed."""
    fakes = Fakes()
    fakes.add_remote("gpu-node")
    key = a_key()
    question = SecretQuestion(kind=SecretKind.PASSWORD, prompt="Password of ada on gpu-node")
    fakes.connector.raises["gpu-node"] = [
        HostKeyUnknown("The key of gpu-node is not known.", key=key),
        SecretNeeded("gpu-node wants a password.", question=question),
    ]
    session, _jobs = planned_session(fakes)
    bridge = SessionBridge(session)
    window = MainWindow(bridge, appearance, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window, before_close_func=lambda window: window._end())
    window.show()

    def go_on() -> None:
        settle(session)
        bridge.pull()

    go_on()
    window.machine_actions.add_machines()
    qtbot.keyClicks(dialog(window).address, "ada@gpu-node")
    qtbot.keyClick(dialog(window).address, Qt.Key.Key_Return)
    go_on()
    target = SshTarget(host="gpu-node", user="ada")
    card = window.machines.card(target.machine_id)
    press(window, target, "answer")
    qtbot.mouseClick(dialog(window).accept_key, LEFT)
    go_on()
    assert fakes.connector.accepted == [key]
    press(window, target, "answer")
    qtbot.keyClicks(dialog(window).value, "hunter2!")
    qtbot.keyClick(dialog(window).value, Qt.Key.Key_Return)
    go_on()
    assert "ready" in card.status.text()
    assert "hunter2!" not in repr(session.snapshot())
    choose_in_menu(window, target, "remove and clean")
    box = dialog(window)
    qtbot.mouseClick(next(b for b in box.buttons() if b.text() == "Remove and delete"), LEFT)
    go_on()
    assert fakes.connector.machines["gpu-node"].removed
    assert window.machines.grid._cards.get(target.machine_id) is None
    bridge.off()
