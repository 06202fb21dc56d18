"""Machines over the network by clicks and keys: answer, copy, expose, remove, read their logs."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QMessageBox, QTreeWidget

from engine.vocabulary.remote import SecretKind
from engine.vocabulary.running.process import ProcessPhase
from gui.own_address import own_address_towards
from gui.small_parts.plain_tips import plain_tip
from tests.fakes.states import remote_states as remote
from tests.gui.window_hands import LEFT, choose_in_menu, dialog, press, show, told


@pytest.mark.parametrize("accepted", [True, False])
def test_a_host_key_is_accepted_or_refused(qtbot, open_window, accepted: bool) -> None:
    seen = remote.asking()
    window = open_window(remote.with_remotes(seen))
    press(window, seen.target, "answer")
    asked = dialog(window)
    assert asked.fingerprint.text() == remote.KEY.fingerprint
    assert asked.refuse.isDefault()
    assert not asked.accept_key.isDefault()
    assert not asked.accept_key.autoDefault()
    qtbot.mouseClick(asked.accept_key if accepted else asked.refuse, LEFT)
    assert told(window, "answer_host_key") == [(seen.target, remote.KEY, accepted)]


def test_enter_never_accepts_a_key_and_escape_leaves_the_question(qtbot, open_window) -> None:
    seen = remote.asking()
    window = open_window(remote.with_remotes(seen))
    press(window, seen.target, "answer")
    qtbot.keyClick(dialog(window), Qt.Key.Key_Escape)
    assert told(window, "answer_host_key") == []
    press(window, seen.target, "answer")
    qtbot.keyClick(dialog(window), Qt.Key.Key_Return)
    assert told(window, "answer_host_key") == [(seen.target, remote.KEY, False)]


def test_a_secret_is_masked_handed_on_and_wiped(qtbot, open_window, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    seen = remote.asks_password(wrong_before=True)
    window = open_window(remote.with_remotes(seen))
    press(window, seen.target, "answer")
    asked = dialog(window)
    assert asked.wrong.isVisible()
    assert not asked.remember.isChecked()
    assert asked.value.echoMode() == QLineEdit.EchoMode.Password
    qtbot.keyClicks(asked.value, "hunter2!")
    assert asked.value.displayText() != "hunter2!"
    qtbot.mouseClick(asked.log_in, LEFT)
    ((target, secret),) = told(window, "answer_secret")
    assert (target, secret.value, secret.remember) == (seen.target, "hunter2!", False)
    assert secret.prompt == seen.question.prompt  # so that it is not sent to another machine on the way
    assert asked.value.text() == ""
    shown = [label.text() for label in window.findChildren(QLabel)]
    assert "hunter2!" not in "".join([*shown, caplog.text, repr(window.session.commands), QGuiApplication.clipboard().text()])


def test_a_secret_is_kept_only_when_that_was_checked_and_a_code_never(qtbot, open_window) -> None:
    window = open_window(remote.with_remotes(remote.asks_password()))
    window.machine_actions.answer_all()
    qtbot.keyClicks(dialog(window).value, "x")
    dialog(window).remember.setChecked(True)
    qtbot.keyClick(dialog(window).value, Qt.Key.Key_Return)
    assert told(window, "answer_secret")[0][1].remember
    show(window, remote.with_remotes(remote.asks_password(kind=SecretKind.ONE_TIME_CODE)))
    window.machine_actions.answer_all()
    assert not dialog(window).remember.isVisible()


def test_a_cancelled_secret_is_wiped_and_nothing_is_told(qtbot, open_window) -> None:
    window = open_window(remote.with_remotes(remote.asks_password()))
    window.machine_actions.answer_all()
    asked = dialog(window)
    qtbot.keyClicks(asked.value, "hunter2!")
    qtbot.mouseClick(asked.cancel, LEFT)
    assert asked.value.text() == ""
    assert told(window, "answer_secret") == []


def test_several_questions_are_gone_through_one_after_the_other(qtbot, open_window) -> None:
    key, password = remote.asking(8), remote.asks_password(9)
    window = open_window(remote.with_remotes(key, password))
    assert window.machines.question.isVisible()
    qtbot.mouseClick(window.machines.answer, LEFT)
    qtbot.mouseClick(dialog(window).accept_key, LEFT)
    qtbot.keyClicks(dialog(window).value, "x")
    qtbot.keyClick(dialog(window).value, Qt.Key.Key_Return)
    assert window.machine_actions.dialog is None
    assert [command[0] for command in window.session.commands] == ["answer_host_key", "answer_secret"]


def test_programs_are_copied_at_a_click_with_progress_and_the_machine_is_ready(qtbot, open_window) -> None:
    before = remote.no_runtime(4)
    window = open_window(remote.with_remotes(before))
    card = window.machines.card(before.id)
    press(window, before.target, "copy runtime")
    show(window, remote.with_remotes(remote.copying(4)))
    assert card.bar.isVisible()
    assert card.bar.value() == 420
    press(window, before.target, "cancel copy")
    show(window, remote.with_remotes(remote.ready(4)))
    assert not card.bar.isVisible()
    assert card.buttons == {}
    assert "ready" in card.status.text()
    assert window.session.commands == [("copy_runtime", before.id), ("cancel_copy", before.id)]


def test_programs_are_copied_to_all_that_need_them(open_window) -> None:
    state = remote.with_remotes(remote.no_runtime(3), remote.ready(2), remote.no_runtime(5))
    window = open_window(state)
    press(window, remote.target(3), "copy runtime to all")
    assert told(window, "copy_runtime") == [(remote.target(3).machine_id,), (remote.target(5).machine_id,)]


def test_a_machine_is_tried_again_and_looked_at_again(open_window) -> None:
    window = open_window(remote.with_remotes(remote.unreachable(6), remote.ready(2)))
    press(window, remote.target(6), "connect again")
    choose_in_menu(window, remote.target(2), "look again")
    window.machine_actions.do("this-machine", "look again")
    assert window.session.commands == [
        ("connect_again", remote.target(6)),
        ("look_again", remote.target(2).machine_id),
        ("look_again",),
    ]


def test_a_port_is_opened_only_with_the_check_mark(qtbot, open_window) -> None:
    seen = remote.ready(2)
    window = open_window(remote.with_remotes(seen))
    choose_in_menu(window, seen.target, "exposure")
    asked = dialog(window)
    assert asked.tunnel.isChecked()
    assert set(asked.addresses) == {"10.0.0.2", "192.168.9.2"}
    qtbot.mouseClick(asked.addresses["10.0.0.2"], LEFT, pos=QPoint(8, 8))
    assert not asked.take.isEnabled()
    asked._take()
    assert told(window, "choose") == []
    assert "10.0.0.2" in asked.commands["ufw"][0].text()
    asked.understood.setChecked(True)
    qtbot.mouseClick(asked.take, LEFT)
    (choices,) = told(window, "choose")[0]
    assert choices.lan_addresses == ((seen.id, "10.0.0.2"),)


def test_the_tunnel_is_chosen_again_without_a_check_mark(qtbot, open_window) -> None:
    seen = remote.ready(2)
    window = open_window(remote.with_remotes(seen, lan=True))
    choose_in_menu(window, seen.target, "exposure")
    assert dialog(window).address == "10.0.0.2"
    dialog(window).tunnel.setChecked(True)
    qtbot.mouseClick(dialog(window).take, LEFT)
    (choices,) = told(window, "choose")[0]
    assert choices.lan_addresses == ()


@pytest.mark.parametrize(("action", "clean"), [("remove", False), ("remove and clean", True)])
def test_a_machine_is_removed_when_that_is_confirmed(qtbot, open_window, action: str, clean: bool) -> None:
    seen = remote.ready(2)
    window = open_window(remote.with_remotes(seen))
    choose_in_menu(window, seen.target, action)
    assert dialog(window).defaultButton().text() == "Cancel"
    qtbot.keyClick(dialog(window), Qt.Key.Key_Escape)
    assert told(window, "remove_machine") == []
    choose_in_menu(window, seen.target, action)
    box = dialog(window)
    remove = next(b for b in box.buttons() if box.buttonRole(b) == QMessageBox.ButtonRole.DestructiveRole)
    qtbot.mouseClick(remove, LEFT)
    assert told(window, "remove_machine") == [(seen.target, clean)]


def test_all_logs_in_one_place_by_machine(qtbot, open_window) -> None:
    state = remote.starting()
    window = open_window(state)
    window.tabs.setCurrentWidget(window.logs)
    there = next(process for process in state.processes if process.machine_name == "lab-02")
    here = next(process for process in state.processes if process.machine_name == "ada-desktop")
    window.session.say(here.id, "said here")
    window.session.say(there.id, "said there")
    window.bridge.pull()
    choose_in_menu(window, remote.target(2), "show log")
    assert window.logs.machine.currentText() == "lab-02"
    assert window.logs.text.toPlainText().endswith(f"lab-02 · {there.title} | said there")
    assert "said here" not in window.logs.text.toPlainText()
    window.session.say(there.id, "and more")
    window.bridge.pull()
    assert "and more" in window.logs.text.toPlainText()
    window.logs.machine.setCurrentIndex(0)
    window.logs.machine.activated.emit(0)
    assert [line.partition("| ")[2] for line in window.logs.text.toPlainText().splitlines()] == [
        "said here",
        "said there",
        "and more",
    ]
    stopped = tuple(replace(process, phase=ProcessPhase.STOPPED) for process in state.processes)
    show(window, replace(state, processes=stopped))
    assert "said there" in window.logs.text.toPlainText()


def test_the_commands_of_a_machine_are_copied(open_window) -> None:
    window = open_window(remote.with_remotes(remote.ready(2)))
    window.machine_actions.do("this-machine", "copy commands")
    assert "--rpc 127.0.0.1:50052" in QGuiApplication.clipboard().text()


def test_what_a_machine_says_of_itself_is_never_markup(open_window) -> None:
    seen = remote.ready(2)
    name = "<b>lab</b><img src=x>"
    look = replace(seen.look, machine=replace(seen.look.machine, name=name))
    window = open_window(remote.with_remotes(replace(seen, look=look)))
    assert window.machines.card(seen.id)._title.text().startswith("<b>lab</b>")
    formats = {label.textFormat() for label in window.machines.card(seen.id).facts}
    assert formats == {Qt.TextFormat.PlainText}
    assert plain_tip(f"{name}\nx") == "<qt>&lt;b&gt;lab&lt;/b&gt;&lt;img src=x&gt;<br>x</qt>"
    assert plain_tip("lab-02") == "lab-02"


def test_the_way_to_another_machine_has_an_address() -> None:
    assert own_address_towards("127.0.0.1") == "127.0.0.1"
    assert own_address_towards("no address") is None


def every_dialog():
    yield "add", remote.found(running=True), lambda window: window.machine_actions.add_machines()
    yield "key", remote.with_remotes(remote.asking()), lambda window: window.machine_actions.answer_all()
    yield "secret", remote.with_remotes(remote.asks_password()), lambda window: window.machine_actions.answer_all()
    machine = remote.target(2).machine_id
    ready = remote.with_remotes(remote.ready(2), lan=True)
    yield "exposure", ready, lambda window: window.machine_actions.do(machine, "exposure")
    yield "cards", remote.four_phases(), lambda window: None
    yield "more cards", remote.other_phases(), lambda window: None


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize(
    ("name", "state", "act"), list(every_dialog()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_controls_have_names_and_labels_room(qtbot, open_window, appearance, name: str, state, act, scale: float) -> None:
    appearance.show(appearance.scheme, scale)
    window = open_window(state)
    window.resize(1024, 700)
    act(window)
    qtbot.wait(50)
    seen = window.machine_actions.dialog or window
    controls = [
        control for kind in (QAbstractButton, QComboBox, QLineEdit, QTreeWidget) for control in seen.findChildren(kind)
    ]
    nameless = [
        type(control).__name__
        for control in controls
        if control.isVisible() and control.focusPolicy() != Qt.FocusPolicy.NoFocus
        if not (control.accessibleName() or (isinstance(control, QAbstractButton) and control.text()))
    ]
    assert nameless == []
    clipped = [
        label.text()
        for label in seen.findChildren(QLabel)
        if label.isVisible() and label.text() and not label.wordWrap() and label.sizeHint().width() > label.width() + 2
    ]
    assert clipped == []
