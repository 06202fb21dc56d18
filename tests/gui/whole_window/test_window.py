"""The window by clicks and keys, on a fake session: what is done reaches the session, what it says is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QPlainTextEdit, QPushButton

from engine.session.state import Activity, RunPhase
from engine.vocabulary.plan import Policy
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.worker import Layout
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import cluster_states as states
from tests.gui.window_hands import show


def chosen(window) -> object:
    """The choices of the last ``choose``."""
    return next(command[1] for command in reversed(window.session.commands) if command[0] == "choose")


def pick(qtbot, chooser: QComboBox, key: str) -> None:
    """As a person does with the keyboard: focus, go to the entry, take it."""
    chooser.setCurrentIndex(chooser.findData(key))
    chooser.activated.emit(chooser.currentIndex())


def test_launch_launches(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    qtbot.mouseClick(window.header.primary, Qt.MouseButton.LeftButton)
    assert window.session.commands == [("launch",)]


def test_stop_stops(qtbot, open_window) -> None:
    window = open_window(states.ready())
    assert window.header.primary.text() == "Stop"
    qtbot.mouseClick(window.header.primary, Qt.MouseButton.LeftButton)
    assert window.session.commands == [("stop",)]


def test_a_double_click_on_launch_launches_and_does_not_stop(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    qtbot.mouseClick(window.header.primary, Qt.MouseButton.LeftButton)
    show(window, states.loading())
    qtbot.mouseClick(window.header.primary, Qt.MouseButton.LeftButton)
    assert window.session.commands == [("launch",)]


def test_stop_never_launches_when_the_run_ended_just_before(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.session.show(states.plan_shown())  # ended, and the window has not pulled yet
    assert window.header.primary.text() == "Stop"
    qtbot.mouseClick(window.header.primary, Qt.MouseButton.LeftButton)
    assert ("launch",) not in window.session.commands


def test_a_refused_plan_disables_launch_and_says_why(qtbot, open_window) -> None:
    window = open_window(states.plan_refused())
    qtbot.mouseClick(window.header.primary, Qt.MouseButton.LeftButton)
    assert window.session.commands == []
    assert not window.header.primary.isEnabled()
    assert "13.1 GB are missing" in window.header.primary.toolTip()
    assert "cuda:0 would need 16.0 GB" in window.plan.reasons.text()
    assert window.plan.reasons.isVisible()


def test_the_loading_button_says_how_far(open_window) -> None:
    window = open_window(states.loading())
    assert window.header.primary.text() == "Loading 43%"
    assert window.notices.lines["load-model"].bar.value() == 429


def test_choosing_a_policy_chooses(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    pick(qtbot, window.plan.policy, "even")
    assert (chosen(window).policy, chosen(window).given) == (Policy.EVEN, None)
    assert chosen(window).model_path == states.plan_shown().choices.model_path


def test_clicking_a_column_chooses_its_plan(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    qtbot.mouseClick(window.plan.table.columns[3], Qt.MouseButton.LeftButton)
    assert (chosen(window).policy, chosen(window).layout) == (Policy.FASTEST, Layout.TRADITIONAL)


def test_a_column_can_be_chosen_by_keyboard(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    qtbot.keyClick(window.plan.table.columns[1], Qt.Key.Key_Space)
    given = chosen(window).given
    assert given is not None
    assert given.name == "hybrid (all workers)"


def test_from_chat_to_documents_by_keyboard(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    assert window.plan.mix.isVisible()
    assert window.plan.mix.slider.value() == 0
    for _ in range(3):
        qtbot.keyClick(window.plan.mix.slider, Qt.Key.Key_Right)
    assert chosen(window).prompt_share == 0.3


def test_chat_or_documents_is_asked_only_where_it_matters(open_window) -> None:
    shown = states.plan_shown()
    window = open_window(replace(shown, choices=replace(shown.choices, policy=Policy.EVEN)))
    assert not window.plan.mix.isVisible()


def test_context_slots_and_model_are_choices(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    pick(qtbot, window.header.context, "8192")
    pick(qtbot, window.header.slot_count, "4")
    pick(qtbot, window.header.model, "/home/ada/models/gemma-3-270m-Q4_K_M.gguf")
    choices = chosen(window)
    assert (choices.shape.context_tokens, choices.shape.slots) == (8192, 4)
    assert choices.model_path == "/home/ada/models/gemma-3-270m-Q4_K_M.gguf"


def test_two_choices_in_a_row_keep_each_other_when_the_session_is_slow(open_window) -> None:
    window = open_window(states.plan_shown())
    before = window.session.state
    window.bridge.choose_policy("even")
    window.session.fall_behind(before)
    window.bridge.choose_layout("per-machine")
    assert (chosen(window).policy, chosen(window).layout) == (Policy.EVEN, Layout.PER_MACHINE)


def test_a_worker_is_left_out_by_its_switch(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    row = window.machines.card("this-machine").row(pieces.CPU_ID)
    qtbot.mouseClick(row.switch, Qt.MouseButton.LeftButton)
    assert chosen(window).left_out == frozenset({pieces.CPU_ID})
    qtbot.mouseClick(row.switch, Qt.MouseButton.LeftButton)
    assert chosen(window).left_out == frozenset()


def test_missing_programs_are_built_at_a_click_and_the_build_can_be_cancelled(qtbot, open_window) -> None:
    window = open_window(states.runtime_missing())
    card = window.machines.card("this-machine")
    button = card.buttons["install runtime"]
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    window.session.show(states.installing())
    window.bridge.pull()
    assert card.buttons == {}
    qtbot.mouseClick(window.notices.lines["runtime"].cancel, Qt.MouseButton.LeftButton)
    assert window.session.commands == [("install_runtime",), ("cancel", "runtime")]


def test_a_difference_in_the_map_is_painted_red(open_window, appearance) -> None:
    window = open_window(states.map_mismatch())
    assert window.layer_map.verdict.property("role") == "bad"
    chart = window.layer_map.chart
    red = appearance.colour("bad").rgb()
    image = chart.grab().toImage()
    for layer, differs in ((9, True), (30, False)):
        box = chart._cell_box(layer, 1).toAlignedRect()
        seen = {image.pixelColor(x, y).rgb() for x in range(box.left(), box.right()) for y in range(box.top(), box.top() + 4)}
        assert (red in seen) is differs, layer


def test_hovering_a_cell_says_both_places(open_window) -> None:
    chart = open_window(states.map_mismatch()).layer_map.chart
    assert chart.words_at(chart._cell_box(9, 1).center()).startswith("Layer 9: on cuda:0, planned on CPU\n")
    assert chart.words_at(chart.rect().bottomRight().toPointF()) == ""


def test_a_problem_can_be_unfolded_copied_and_dismissed(qtbot, open_window) -> None:
    window = open_window(states.worker_failed())
    (banner,) = window.notices.banners
    assert not banner.details.isVisible()
    qtbot.mouseClick(banner.expander, Qt.MouseButton.LeftButton)
    assert banner.details.isVisible()
    assert "illegal memory access" in banner.details.toPlainText()
    qtbot.mouseClick(banner.dismiss, Qt.MouseButton.LeftButton)
    assert window.session.commands == [("dismiss", window.session.state.problems[0])]


def test_a_second_click_on_dismiss_takes_no_other_problem_away(qtbot, open_window) -> None:
    (problem,) = states.worker_failed().problems
    newer = replace(problem, happened="gpu-node has gone.")
    window = open_window(replace(states.worker_failed(), problems=(problem, newer)))
    for _ in range(2):  # before the session has heard of the first one
        qtbot.mouseClick(window.notices.banners[0].dismiss, Qt.MouseButton.LeftButton)
    assert {asked for _, asked in window.session.commands} == {newer}


def test_the_log_follows_until_one_scrolls_up(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.tabs.setCurrentWidget(window.logs)
    window.session.say("llama-server", *(f"line {number}" for number in range(500)))
    window.bridge.pull()
    assert window.logs.following
    bar = window.logs.text.verticalScrollBar()
    bar.setValue(100)
    window.session.say("llama-server", "one more")
    window.bridge.pull()
    assert bar.value() == 100
    assert window.logs.newest.isVisible()
    qtbot.mouseClick(window.logs.newest, Qt.MouseButton.LeftButton)
    assert window.logs.following
    assert not window.logs.newest.isVisible()


def test_the_log_of_another_process_is_shown_from_its_beginning(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.tabs.setCurrentWidget(window.logs)
    window.session.say("rpc-server 127.0.0.1:50052", "Starting RPC server")
    window.session.say("llama-server", "main: loading")
    window.bridge.pull()
    assert "main: loading" in window.logs.text.toPlainText()
    pick(qtbot, window.logs.source, "rpc-server 127.0.0.1:50052")
    assert window.logs.text.toPlainText().endswith(":20  Starting RPC server")


def test_the_log_turns_to_llama_server_unless_a_person_chose(qtbot, open_window) -> None:
    window = open_window(states.starting())
    assert window.logs.source.currentData() == "rpc-server 127.0.0.1:50052"
    window.session.show(states.ready())
    window.bridge.pull()
    assert window.logs.source.currentData() == "llama-server"
    pick(qtbot, window.logs.source, "rpc-server 127.0.0.1:50053")
    window.session.show(states.worker_failed())
    window.bridge.pull()
    assert window.logs.source.currentData() == "rpc-server 127.0.0.1:50053"


def test_search_goes_to_hits_and_marks_a_miss(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.session.say("llama-server", "alpha", "beta", "gamma")
    window.bridge.pull()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert window.tabs.currentWidget() is window.logs
    qtbot.keyClicks(window.logs.search, "beta")
    assert window.logs.text.textCursor().selectedText() == "beta"
    qtbot.keyClicks(window.logs.search, "x")
    assert window.logs.hits.text() == "no line has it"


def test_ask_and_read_the_answer(qtbot, open_window) -> None:
    window = open_window(states.ready())
    window.tabs.setCurrentWidget(window.try_it)
    window.try_it.prompt.setPlainText("Why is the sky blue?")
    qtbot.mouseClick(window.try_it.send, Qt.MouseButton.LeftButton)
    assert window.session.commands[-1] == ("ask", "Why is the sky blue?", 256, True)
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window.try_it.chat, Qt.Key.Key_Space)
    window.try_it.prompt.setFocus()
    qtbot.keyClick(window.try_it.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert window.session.commands[-1] == ("ask", "Why is the sky blue?", 256, False)
    assert "scatters" in window.try_it.answer.toPlainText()
    assert window.try_it.footer.text().startswith("128 tokens at 18.3 tok/s")


def test_a_command_is_copied_and_the_button_says_so(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    window.tabs.setCurrentWidget(window.commands)
    row = window.commands.rows[1]
    button = row.findChild(QPushButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "ggml-rpc-server -H 127.0.0.1 -p 50053 --device CUDA0 -c"
    assert button.text() == "Copied"


def test_the_curves_come_after_the_window(qtbot, open_window) -> None:
    window = open_window(states.ready())
    assert window.throughput.charts is None
    qtbot.waitUntil(lambda: window.throughput.charts is not None)
    decode, *_others = window.throughput.charts
    _seconds, rates = decode.lines[0].getData()
    assert len(rates) == 240
    assert sum(rate != rate for rate in rates) == 30


@pytest.mark.parametrize(
    ("key", "command"), [(Qt.Key.Key_L, ("launch",)), (Qt.Key.Key_F5, ("look_again",)), (Qt.Key.Key_Q, ("close",))]
)
def test_shortcuts(qtbot, open_window, key: Qt.Key, command: tuple[str]) -> None:
    window = open_window(states.plan_shown())
    qtbot.waitUntil(window.isActiveWindow)
    modifier = Qt.KeyboardModifier.NoModifier if key is Qt.Key.Key_F5 else Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(window.windowHandle(), key, modifier)
    assert window.session.commands == [command]


def test_closing_waits_for_the_session(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    window.close()
    assert window.isVisible()
    assert window.session.commands == [("close",)]
    with qtbot.waitSignal(window.ended):
        window.session.show(replace(window.session.state, closed=True))
    assert not window.isVisible()


@pytest.mark.parametrize("name", list(states.every_state()))
def test_every_control_has_a_name(open_window, name: str) -> None:
    window = open_window(states.every_state()[name]())
    kinds = (QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit)
    nameless = [
        (type(control).__name__, control.objectName())
        for kind in kinds
        for control in window.findChildren(kind)
        if control.isVisible() and control.focusPolicy() != Qt.FocusPolicy.NoFocus
        if not (control.accessibleName() or (isinstance(control, QAbstractButton) and control.text()))
    ]
    assert nameless == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("name", ["plan_shown", "ready", "plan_refused", "worker_failed"])
def test_no_label_is_clipped(qtbot, open_window, appearance, name: str, scale: float) -> None:
    appearance.show(appearance.scheme, scale)
    window = open_window(states.every_state()[name]())
    window.resize(1024, 700)
    qtbot.wait(50)
    clipped = [
        label.text()
        for label in window.findChildren(QLabel)
        if label.isVisible() and label.text() and not label.wordWrap() and label.sizeHint().width() > label.width() + 2
    ]
    assert clipped == []


def test_a_state_that_changes_nothing_repaints_nothing(open_window) -> None:
    window = open_window(states.ready())
    card = window.machines.card("this-machine")
    content = card._content
    window.session.show(replace(states.ready(), now_seconds=2000.0))
    window.bridge.pull()
    assert card._content is content


def test_the_whole_life_in_one_window(open_window) -> None:
    window = open_window(states.looking())
    for make in states.every_state().values():
        window.session.show(make())
        window.bridge.pull()
    stopping = tuple(replace(process, phase=ProcessPhase.STOPPING) for process in states.ready().processes)
    window.session.show(replace(states.ready(), run_phase=RunPhase.STOPPING, processes=stopping))
    window.bridge.pull()
    assert window.header.primary.text() == "Stopping…"
    window.session.show(replace(states.plan_shown(), activities=(Activity(id="x", title="Measuring"),)))
    window.bridge.pull()
    assert window.header.primary.text() == "Launch"
    assert list(window.notices.lines) == ["x"]


def test_the_cpu_can_be_split_into_two_workers_and_back(open_window) -> None:
    window = open_window(states.plan_shown())
    window.split_cpu.trigger()
    assert chosen(window).cpu_workers == 2
    window.bridge.pull()
    assert window.split_cpu.isChecked()
    window.split_cpu.trigger()
    assert chosen(window).cpu_workers == 1


def test_a_running_cpu_is_not_split(open_window) -> None:
    window = open_window(states.ready())
    assert not window.split_cpu.isEnabled()
