"""Editing the plan with mouse and keys: on a fake session what reaches it, on a real one what comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.session.state import Choices
from engine.vocabulary.plan import Plan, PlanRefused, Policy
from engine.vocabulary.worker import Layout
from gui.main_window import MainWindow
from gui.session_bridge import SessionBridge
from tests.fakes.sessions.drained_session import DrainedSession
from tests.fakes.sessions.fake_outside import MODEL, Fakes, a_model
from tests.fakes.states import cluster_states as states
from tests.fakes.states import edited_states as edited
from tests.fakes.states.cluster_pieces import CPU_ID
from tests.gui.window_hands import show, told

LEFT, NO = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
UNDO = (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
REDO = (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)


def at(chart, layer: int) -> QPoint:
    """In front of a layer, on the upper row."""
    return QPoint(round(chart._left() + layer * chart._step()), round(chart._cell_box(0, 0).center().y()))


def press(chart, layer: int) -> None:
    QTest.mousePress(chart, LEFT, NO, at(chart, layer))


def move(chart, layer: int) -> None:
    QTest.mouseMove(chart, at(chart, layer))


def release(chart, layer: int) -> None:
    QTest.mouseRelease(chart, LEFT, NO, at(chart, layer))


def counts(choices: Choices) -> tuple[int, ...] | None:
    """Layers per worker of the split by hand."""
    return None if choices.given is None else tuple(count for _, count in choices.given.seats)


def chosen(window) -> list[tuple[int, ...] | None]:
    """Every split that was chosen, in order."""
    return [counts(choices) for (choices,) in told(window, "choose")]


def test_a_boundary_is_dragged_layer_by_layer(open_window) -> None:
    window = open_window(states.plan_shown())
    chart = window.layer_map.chart
    press(chart, 22)
    for layer in (21, 21, 20, 24):
        move(chart, layer)
    release(chart, 24)
    assert chosen(window) == [(21, 29, 14), (20, 30, 14), (24, 26, 14)]
    assert window.bridge.history.past[-1].given is None
    assert len(window.bridge.history.past) == 1, "one drag is one step"
    move(chart, 40)
    assert len(chosen(window)) == 3, "it was let go"


def test_it_stops_before_its_neighbours(open_window) -> None:
    window = open_window(states.plan_shown())
    chart = window.layer_map.chart
    press(chart, 50)
    move(chart, 3)
    move(chart, 70)
    assert chosen(window) == [(22, 1, 41), (22, 42, 0)]
    release(chart, 64)


def test_escape_takes_a_drag_back(open_window) -> None:
    window = open_window(states.plan_shown())
    chart = window.layer_map.chart
    press(chart, 22)
    move(chart, 30)
    QTest.keyClick(chart, Qt.Key.Key_Escape)
    release(chart, 30)
    assert chosen(window) == [(30, 20, 14), None]
    assert window.bridge.history.past == ()
    assert window.session.chosen == states.plan_shown().choices


def test_a_press_beside_a_handle_moves_nothing(open_window) -> None:
    window = open_window(states.plan_shown())
    chart = window.layer_map.chart
    for layer in (10, 30):
        press(chart, layer)
        move(chart, layer + 5)
        release(chart, layer + 5)
    QTest.mousePress(chart, Qt.MouseButton.RightButton, NO, at(chart, 22))
    move(chart, 30)
    assert chosen(window) == []


def test_the_cursor_and_the_tip_tell_a_handle(open_window) -> None:
    chart = open_window(states.plan_shown()).layer_map.chart
    move(chart, 22)
    assert chart.cursor().shape() is Qt.CursorShape.SplitHCursor
    assert chart.words_at(QPointF(at(chart, 22))).startswith("Boundary 1 of 2: CPU ends and cuda:0 begins with layer 22.")
    move(chart, 10)
    assert chart.cursor().shape() is Qt.CursorShape.ArrowCursor
    words = chart.words_at(chart._cell_box(10, 0).center())
    assert words.startswith("Layer 10: planned on CPU\nWeights 301 MB, KV cache 17 MB")


def test_arrow_keys_choose_and_move(open_window) -> None:
    window = open_window(states.plan_shown())
    chart = window.layer_map.chart
    assert chart.focusPolicy() == Qt.FocusPolicy.StrongFocus
    assert "Boundary 1 of 2" in chart.accessibleDescription()
    QTest.keyClick(chart, Qt.Key.Key_Left)
    QTest.keyClick(chart, Qt.Key.Key_Up)
    QTest.keyClick(chart, Qt.Key.Key_Down)
    assert "Boundary 2 of 2" in chart.accessibleDescription()
    QTest.keyClick(chart, Qt.Key.Key_Right)
    assert chosen(window) == [(21, 29, 14), (21, 30, 13)]
    assert len(window.bridge.history.past) == 2


def test_a_key_held_down_is_one_step_and_misses_no_layer(open_window) -> None:
    window = open_window(states.plan_shown())
    chart = window.layer_map.chart
    for repeat in (False, True, True, True):
        QApplication.sendEvent(chart, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Right, NO, "", repeat))
        if repeat:
            QApplication.sendEvent(chart, QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_Right, NO, "", True))
    QApplication.sendEvent(chart, QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_Right, NO))
    assert [split[0] for split in chosen(window)] == [23, 24, 25, 26]
    assert len(window.bridge.history.past) == 1


def test_losing_the_focus_lets_go(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    chart = window.layer_map.chart
    qtbot.waitUntil(window.isActiveWindow)
    chart.setFocus()
    QTest.keyPress(chart, Qt.Key.Key_Right)
    assert window.bridge.history.in_gesture
    window.plan.policy.setFocus()
    assert not window.bridge.history.in_gesture


def test_a_plan_that_changes_under_the_hand_lets_go(open_window) -> None:
    window = open_window(states.plan_shown())
    chart = window.layer_map.chart
    press(chart, 50)
    move(chart, 52)
    show(window, states.plan_refused())
    assert not window.bridge.history.in_gesture
    release(chart, 52)


def test_what_runs_cannot_be_moved(open_window) -> None:
    window = open_window(states.ready())
    chart = window.layer_map.chart
    press(chart, 22)
    move(chart, 30)
    release(chart, 30)
    QTest.keyClick(chart, Qt.Key.Key_Right)
    assert chosen(window) == []
    assert chart.focusPolicy() == Qt.FocusPolicy.NoFocus
    assert not any(button.isEnabled() for button in window.plan.edits.buttons)


def test_undo_and_redo_by_keys_go_through_everything(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    bridge, start = window.bridge, states.plan_shown().choices
    edits = (
        lambda: bridge.switch_worker(CPU_ID, False),
        lambda: bridge.switch_worker(CPU_ID, True),
        lambda: bridge.choose_context("8192"),
        lambda: bridge.choose_slots("4"),
        lambda: bridge.choose_cache_type("q8_0"),
        lambda: bridge.choose_policy("even"),
        lambda: bridge.choose_layout("per-machine"),
        lambda: bridge.choose_prompt_share(40),
        lambda: bridge.choose_variant("fastest", "per-device", "hybrid (all workers)"),
        lambda: bridge.split_cpu(True),
    )
    passed = [start]
    for edit in edits:
        edit()
        passed.append(window.session.chosen)
    qtbot.waitUntil(window.isActiveWindow)
    bridge.pull()
    back = []
    for _ in edits:
        QTest.keyClick(window.windowHandle(), *UNDO)
        bridge.pull()
        back.append(window.session.chosen)
    assert back == passed[-2::-1]
    assert not window.plan.edits.undo.isEnabled()
    for expected in passed[1:]:
        QTest.keyClick(window.windowHandle(), *REDO)
        bridge.pull()
        assert window.session.chosen == expected
    assert not window.plan.edits.redo.isEnabled()
    assert {command[0] for command in window.session.commands} == {"choose"}, "nothing was started"


def test_the_links_beside_the_title(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    best, undo, redo = window.plan.edits.buttons
    assert [button.isEnabled() for button in (best, undo, redo)] == [False, False, False]
    show(window, edited.split_by_hand())
    assert best.isEnabled()
    qtbot.mouseClick(best, LEFT)
    window.bridge.pull()
    assert window.session.chosen.given is None
    assert undo.toolTip() == "Undo: layers per worker (Ctrl+Z)"
    qtbot.mouseClick(undo, LEFT)
    window.bridge.pull()
    assert window.session.chosen == edited.split_by_hand().choices
    qtbot.mouseClick(redo, LEFT)
    assert window.session.chosen.given is None


def test_undo_in_a_text_field_is_the_fields_own(qtbot, open_window) -> None:
    window = open_window(states.ready())
    show(window, states.plan_shown())
    window.bridge.choose_context("8192")
    window.bridge.pull()
    window.tabs.setCurrentWidget(window.logs)
    qtbot.waitUntil(window.isActiveWindow)
    window.logs.search.setFocus()
    QTest.keyClicks(window.logs.search, "abc")
    QTest.keyClick(window.windowHandle(), *UNDO)
    assert window.logs.search.text() != "abc"
    assert window.session.chosen.shape.context_tokens == 8192


def test_a_worker_of_the_split_that_is_switched_off_gives_up_the_split(open_window) -> None:
    window = open_window(edited.split_by_hand())
    window.bridge.switch_worker(CPU_ID, False)
    assert window.session.chosen.given is None
    show(window, edited.split_by_hand())
    window.bridge.switch_worker("elsewhere/cpu", False)
    assert window.session.chosen.given is not None
    window.bridge.choose_model("/other.gguf")
    assert window.session.chosen.given is None


def test_the_cache_type_is_chosen_for_k_and_v(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    chooser = window.header.cache_type
    assert [chooser.itemText(place) for place in range(chooser.count())] == ["KV f16", "KV q8_0", "KV q4_0"]
    chooser.setCurrentIndex(1)
    chooser.activated.emit(1)
    shape = window.session.chosen.shape
    assert (shape.cache_type_k, shape.cache_type_v) == ("q8_0", "q8_0")
    show(window, replace(states.plan_shown(), server_options=frozenset({"-m", "-ctk", "-ctv", "-fa"})))
    assert not chooser.isEnabled()
    assert "flash attention" in chooser.toolTip()


def test_too_far_is_shown_in_red_and_the_map_stays(open_window, appearance) -> None:
    window = open_window(edited.split_too_far())
    chart = window.layer_map.chart
    assert window.layer_map.verdict.property("role") == "bad"
    assert window.layer_map.verdict.text() == "✕ does not fit: cuda:0 is 4.6 GB over its safe memory"
    red, image = appearance.colour("bad").rgb(), chart.grab().toImage()
    beneath = round(chart._cell_box(0, 0).bottom() + appearance.pixels(3))
    for layer, over in ((2, False), (10, True), (40, True), (55, False)):
        x = round(chart._cell_box(layer, 0).center().x())
        assert (image.pixelColor(x, beneath).rgb() == red) is over, layer
    assert window.plan.verdict.text() == "Your split does not fit: cuda:0 of ada-desktop is 4.6 GB over"
    assert window.plan.verdict.toolTip() == edited.TOO_MUCH
    assert not window.header.primary.isEnabled()
    column = window.plan.table.columns[0].content
    assert (column.title, column.cells[0], column.cell_roles[0], column.chosen) == ("Yours", "does not fit", "bad", True)


def test_the_column_of_a_split_by_hand_is_not_lost_by_a_click(qtbot, open_window) -> None:
    window = open_window(edited.split_by_hand())
    assert window.plan.policy.currentIndex() == -1
    assert window.plan.policy.placeholderText() == "Yours"
    qtbot.mouseClick(window.plan.table.columns[0], LEFT)
    assert chosen(window) == []
    qtbot.mouseClick(window.plan.table.columns[1], LEFT)
    assert chosen(window) == [None]


def test_the_map_does_not_move_under_the_mouse(qtbot, open_window) -> None:
    window = open_window(edited.split_by_hand())
    qtbot.wait(20)
    before = window.layer_map.mapTo(window, QPoint(0, 0))
    show(window, edited.split_too_far())
    qtbot.wait(20)
    assert window.layer_map.mapTo(window, QPoint(0, 0)) == before


@pytest.fixture
def real(qtbot, appearance, tmp_path: Path) -> MainWindow:
    """A window on a real session over fakes: two CPU workers, a model of eight layers."""
    fakes = Fakes()
    fakes.models.models[MODEL] = replace(a_model(), training_context_tokens=32768)
    session = DrainedSession(fakes.outside())
    bridge = SessionBridge(session)
    window = MainWindow(bridge, appearance, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window, before_close_func=lambda window: window._end())
    session.look_again()
    session.choose(Choices(model_path=MODEL, cpu_workers=2, policy=Policy.EVEN, reserve_fraction=0.5))
    window.bridge, window.session = bridge, session
    window.resize(1280, 860)
    window.show()
    bridge.start()
    bridge.pull()
    return window


def test_cells_bars_table_and_verdict_follow_a_boundary(real) -> None:
    chart = real.layer_map.chart
    assert [handle.layer for handle in chart.content.boundaries] == [4]
    bars = [row.bar.words for row in real.machines.card("this-machine")._content.rows]
    press(chart, 4)
    move(chart, 7)
    real.bridge.pull()
    plan = real.session.snapshot().plan
    assert isinstance(plan, Plan)
    assert plan.tensor_split == (7, 2)
    assert [group.n_cells for group in chart.content.groups] == [7, 2]
    assert [row.bar.words for row in real.machines.card("this-machine")._content.rows] != bars
    assert real.layer_map.verdict.text().startswith("your split: ")
    column = real.plan.table.columns[0].content
    assert (column.title, column.chosen) == ("Yours", True)
    assert column.cells[2] == "32k"
    release(chart, 7)
    QTest.keyClick(chart, Qt.Key.Key_Left)
    real.bridge.pull()
    assert real.session.snapshot().plan.tensor_split == (6, 3)
    real.bridge.undo()
    real.bridge.undo()
    real.bridge.pull()
    assert [group.n_cells for group in chart.content.groups] == [4, 5]
    assert real.session.snapshot().processes == ()
    real.bridge.back_to_best()
    real.bridge.pull()
    choices = real.session.snapshot().choices
    assert (choices.policy, choices.layout, choices.given) == (Policy.FASTEST, Layout.PER_DEVICE, None)


def test_a_split_that_is_too_much_comes_back_when_it_is_pulled_back(real) -> None:
    chart = real.layer_map.chart
    press(chart, 4)
    needed = {}
    for layer in (5, 6):
        move(chart, layer)
        real.bridge.pull()
        needed[layer] = real.session.snapshot().plan.used_workers[0].needed_bytes
    offer = real.session.snapshot().offers[0]
    room = (needed[5] + needed[6]) / 2 / offer.total_bytes
    real.session.choose(replace(real.session.chosen, reserve_fraction=1 - room))
    real.bridge.pull()
    assert isinstance(real.session.snapshot().plan, PlanRefused)
    assert [group.n_cells for group in chart.content.groups] == [6, 3]
    assert [group.over for group in chart.content.groups] == [True, False]
    move(chart, 5)
    real.bridge.pull()
    assert isinstance(real.session.snapshot().plan, Plan)
    assert not any(group.over for group in chart.content.groups)
    release(chart, 5)


def test_the_bridge_looks_oftener_until_a_choice_was_planned(open_window) -> None:
    window = open_window(states.plan_shown())
    timer, before = window.bridge._timer, window.session.state
    window.bridge.choose_context("8192")
    window.session.fall_behind(before)
    window.bridge.pull()
    assert timer.interval() < 20
    window.session.show(replace(before, choices=window.session.chosen))
    window.bridge.pull()
    assert timer.interval() == 100


@pytest.mark.parametrize("width", [1024, 1280])
def test_more_columns_than_there_is_room_for_scroll_and_cut_no_words(qtbot, open_window, width) -> None:
    window = open_window(edited.split_by_hand())
    window.resize(width, 800)
    table = window.plan.table
    assert len(table.columns) > 4
    qtbot.waitUntil(lambda: table.width() >= table.whole_width)
    assert table._names.width() >= table._names.sizeHint().width()
    assert all(column.width() >= column.sizeHint().width() for column in table.columns)
