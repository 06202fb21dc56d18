"""The panel of machines with up to 200 of them, by keys and clicks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from gui.machine_cards.machine_card import MachineCard
from gui.machine_cards.machine_line import MachineLine
from gui.what_to_show.cards.machine_order import Density, GroupBy, MachineView, SortBy
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states as remote
from tests.gui.window_hands import LEFT, dialog, show

CONTROL = Qt.KeyboardModifier.ControlModifier


def visible(window, kind) -> list:
    """From top to bottom, those that are in view or close to it."""
    return sorted((w for w in window.machines.grid.findChildren(kind) if w.isVisible()), key=lambda w: (w.y(), w.x()))


def titles(window, kind) -> list[str]:
    return [widget._content.title for widget in visible(window, kind)]


def test_200_machines_are_lines_and_only_those_in_view_exist(open_window) -> None:
    window = open_window(states.many_machines(199))
    lines = window.machines.grid.findChildren(MachineLine)
    assert 10 < len(lines) < 60
    assert window.machines.grid.findChildren(MachineCard) == []
    bar = window.machines.grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert titles(window, MachineLine)[-1] == "ada-desktop"
    assert len(window.machines.grid.findChildren(MachineLine)) < 60
    bar.setValue(0)
    assert titles(window, MachineLine)[0] == "lab-01"


def test_the_title_counts_machines_workers_and_safe_memory(open_window) -> None:
    window = open_window(states.many_machines(24))
    assert window.machines._summary.text() == "25 ready · 51 workers · 752.5 GB safe"


def test_what_scrolls_into_view_shows_the_newest_state(open_window) -> None:
    state = states.many_machines(199)
    window = open_window(state)
    bar = window.machines.grid.verticalScrollBar()
    show(window, replace(state, choices=replace(state.choices, left_out=frozenset({pieces.CPU_ID}))))
    bar.setValue(bar.maximum())
    last = visible(window, MachineLine)[-1]
    assert last._content.rows[0].badge == "off"


def test_search_finds_and_says_when_nothing_matches(qtbot, open_window) -> None:
    window = open_window(states.many_machines(24))
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_M, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert window.machines.search.hasFocus()
    qtbot.keyClicks(window.machines.search, "lab-07")
    assert titles(window, MachineLine) == ["lab-07"]
    qtbot.keyClicks(window.machines.search, "x")
    assert window.machines._nothing_words.text() == "No machine matches “lab-07x”."
    assert window.machines.nothing.isVisible()
    qtbot.mouseClick(window.machines.clear, LEFT)
    assert window.machines.search.text() == ""
    assert len(titles(window, MachineLine)) > 10


def test_control_f_searches_machines_only_while_they_have_the_keyboard(qtbot, open_window) -> None:
    window = open_window(states.many_machines(24))
    qtbot.waitUntil(window.isActiveWindow)
    visible(window, MachineLine)[0].setFocus()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_F, CONTROL)
    assert window.machines.search.hasFocus()
    window.header.primary.setFocus()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_F, CONTROL)
    assert window.logs.search.hasFocus()


def test_escape_in_the_search_shows_all_again(qtbot, open_window) -> None:
    window = open_window(states.many_machines(24))
    window.machines.search.setText("lab-07")
    window.machines.search.setFocus()
    qtbot.keyClick(window.machines.search, Qt.Key.Key_Escape)
    assert window.machines.search.text() == ""


def test_there_is_no_search_among_three_machines(open_window) -> None:
    window = open_window(remote.with_remotes(remote.ready(2), remote.ready(3)))
    assert not window.machines.search.isVisible()
    show(window, remote.four_phases())
    assert window.machines.search.isVisible()


def test_enter_opens_a_line_s_card_and_its_button_makes_it_a_line_again(qtbot, open_window) -> None:
    window = open_window(states.many_machines(24))
    first = visible(window, MachineLine)[0]
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Return)
    (card,) = visible(window, MachineCard)
    assert card._content.title == "lab-01"
    assert card.isAncestorOf(window.focusWidget())
    assert titles(window, MachineLine)[0] == "lab-02"
    assert visible(window, MachineLine)[0].y() >= card.y() + card.height()
    qtbot.mouseClick(card.fold, LEFT)
    assert visible(window, MachineCard) == []
    assert titles(window, MachineLine)[0] == "lab-01"


def test_the_arrow_keys_walk_through_the_lines_and_beyond_what_is_in_view(qtbot, open_window) -> None:
    window = open_window(states.many_machines(199))
    visible(window, MachineLine)[0].setFocus()
    for _ in range(60):
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Down)
    focused = window.focusWidget()
    assert focused._content.title == "lab-61"
    top = window.machines.grid.verticalScrollBar().value()
    assert top <= focused.y() <= top + window.machines.grid.viewport().height() - focused.height()
    qtbot.keyClick(focused, Qt.Key.Key_Up)
    assert window.focusWidget()._content.title == "lab-60"


def test_what_has_the_keyboard_stays_when_it_scrolls_out_of_view(open_window) -> None:
    window = open_window(states.many_machines(199))
    first = visible(window, MachineLine)[0]
    first.setFocus()
    window.machines.grid.verticalScrollBar().setValue(4000)
    assert window.focusWidget() is first
    assert first._content.title == "lab-01"


def test_tab_goes_through_cards_from_top_to_bottom(qtbot, open_window) -> None:
    window = open_window(remote.four_phases())
    qtbot.waitUntil(window.isActiveWindow)
    cards = visible(window, MachineCard)
    for before, after in pairwise(cards):
        parts = [part for part in before.focus_parts if part.isVisible()]
        parts[-1].setFocus()
        qtbot.keyClick(parts[-1], Qt.Key.Key_Tab)
        assert after.isAncestorOf(window.focusWidget())


def test_sort_group_and_density_are_chosen_in_a_menu(open_window) -> None:
    window = open_window(states.many_machines(24))
    actions = {action.text(): action for action in window.machines.view.menu().actions() if action.data()}
    actions["Cards"].trigger()
    assert visible(window, MachineLine) == []
    assert titles(window, MachineCard)[0] == "lab-01"
    actions["Safe memory"].trigger()
    assert titles(window, MachineCard)[0] == "lab-02"
    actions["By state"].trigger()
    assert "● ready · 25" in [label.text() for label in visible(window, QLabel)]
    assert window.machines.view.view == MachineView(sort=SortBy.MEMORY, group=GroupBy.STATE, density=Density.CARDS)


def test_cards_by_choice_scroll_too_and_are_used_again(qtbot, open_window) -> None:
    window = open_window(states.many_machines(199))
    window.machines.show_view(MachineView(density=Density.CARDS))
    qtbot.wait(50)
    bar = window.machines.grid.verticalScrollBar()
    for part in range(1, 11):
        bar.setValue(bar.maximum() * part // 10)
        shown = visible(window, MachineCard)
        for card in shown:
            row = card.row(f"{card._content.machine_id}/cpu")
            assert row._content in card._content.rows
            assert len([r for r in card._rows if r.isVisible()]) == len(card._content.rows)
    assert titles(window, MachineCard)[-1] == "ada-desktop"
    assert len(window.machines.grid.findChildren(MachineCard)) < 40


def test_a_machine_that_is_not_in_view_can_be_revealed(open_window) -> None:
    window = open_window(states.many_machines(199))
    card = window.machines.card("lab-150")
    top = window.machines.grid.verticalScrollBar().value()
    assert top <= card.y() < top + window.machines.grid.viewport().height()
    with pytest.raises(KeyError):
        window.machines.card("lab-999")


def test_a_machine_of_the_topology_that_a_search_hides_is_shown(open_window) -> None:
    window = open_window(states.many_machines(24))
    window.machines.search.setText("lab-07")
    other = window.session.state.machines[3]
    window.tabs.topology.machine_chosen.emit(other.id)
    assert window.machines.search.text() == ""
    assert window.focusWidget() is window.machines.card(other.id).menu_button


@pytest.mark.parametrize("n_machines", [2, 24])
def test_what_is_asked_in_a_menu_is_asked_of_the_machine_it_was_opened_for(open_window, n_machines: int) -> None:
    window = open_window(states.many_machines(n_machines))
    shown = visible(window, MachineLine if n_machines == 24 else MachineCard)
    first, second = shown[0], shown[1]._content
    machine_id, menu = first._content.machine_id, first.menu() if n_machines == 24 else first.menu
    menu.popup(window.mapToGlobal(window.rect().center()))
    entries = menu.actions()
    first.show_content(second)  # used again for another machine: the list has changed under the menu
    asked = []
    window.machines.grid.asked.connect(lambda machine, _action: asked.append(machine))
    if menu.isVisible():
        entries[0].trigger()
    assert asked in ([], [machine_id])
    menu.close()


def test_a_line_s_menu_has_what_its_card_offers(open_window) -> None:
    window = open_window(remote.four_phases())
    window.machines.show_view(MachineView(density=Density.LINES))
    asking = next(line for line in visible(window, MachineLine) if "10.0.0.8" in line._content.title)
    menu = asking.menu()
    assert menu.actions()[0].text() == "Compare the key…"
    menu.actions()[0].trigger()
    assert dialog(window).fingerprint.text() == remote.KEY.fingerprint


def test_a_line_says_everything_to_a_screen_reader(open_window) -> None:
    window = open_window(states.many_machines(24))
    words = visible(window, MachineLine)[0].accessibleName()
    assert words.startswith("lab-01: ready. 30.9 GB safe. CPU: 4 layers: ")


def test_why_a_worker_is_in_its_command_and_its_log(open_window) -> None:
    window = open_window(states.ready())
    entries = {entry.text(): entry for entry in window.machines.card("this-machine").row(pieces.CUDA_ID).menu().actions()}
    entries["Why is it in?"].trigger()
    assert "It holds 28 layers: 22–49." in dialog(window).sentences.text()
    dialog(window).reject()
    entries["Copy its rpc-server command line"].trigger()
    assert QGuiApplication.clipboard().text() == "ggml-rpc-server -H 127.0.0.1 -p 50053 --device CUDA0 -c"
    window.session.say("rpc-server 127.0.0.1:50053", "here I am")
    window.bridge.pull()
    entries["Show its log"].trigger()
    assert window.tabs.currentWidget() is window.logs
    assert window.logs.source.currentData() == "rpc-server 127.0.0.1:50053"
    assert window.logs.text.toPlainText().endswith("here I am")


def test_the_view_is_remembered(open_window) -> None:
    window = open_window(states.many_machines(24))
    window.machines.show_view(MachineView(sort=SortBy.NAME, density=Density.CARDS))
    window.begin_closing()
    again = open_window(states.many_machines(24))
    assert again.machines.view.view == MachineView(sort=SortBy.NAME, density=Density.CARDS)
    assert next(action for action in again.machines.view.menu().actions() if action.text() == "Cards").isChecked()


def test_all_lines_are_one_stop_of_tab_which_comes_back_to_the_last_one(qtbot, open_window) -> None:
    window = open_window(states.many_machines(199))
    qtbot.waitUntil(window.isActiveWindow)
    grid = window.machines.grid
    grid.setFocus()
    qtbot.keyClick(grid, Qt.Key.Key_Tab)
    assert window.focusWidget()._content.title == "lab-01"
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Down)
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    assert window.focusWidget() is window.plan.policy
    grid.verticalScrollBar().setValue(4000)
    qtbot.keyClick(window.plan.policy, Qt.Key.Key_Tab, Qt.KeyboardModifier.ShiftModifier)
    assert window.focusWidget()._content.title == "lab-02"


def test_one_machine_is_seen_whole(open_window) -> None:
    window = open_window(states.no_model())
    assert window.machines.grid.verticalScrollBar().maximum() == 0
