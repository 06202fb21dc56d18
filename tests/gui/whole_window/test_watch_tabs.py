"""Watching a run in the window: throughput, topology, try it; by clicks and keys on a fake session."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest

from engine.session.state import AnswerShown
from engine.session.working.ask import ASK
from gui.tabs import saving
from gui.what_to_show.watching.charts import Window
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states as remotes
from tests.fakes.states import watched_states as watched
from tests.gui.window_hands import LEFT, show, told


@pytest.fixture
def watching(qtbot, open_window):
    """The window on a run of three machines, with its charts."""

    def open_it(state):
        window = open_window(state)
        qtbot.waitUntil(lambda: window.throughput.charts is not None)
        return window

    return open_it


@pytest.fixture
def saved_to(monkeypatch, tmp_path):
    """Answers the next dialogs: the name that was suggested, in a folder of the test's."""
    asked = []

    def answer(_parent, _title, suggested, _kinds):
        asked.append(suggested.rpartition("/")[2])
        return str(tmp_path / asked[-1])

    monkeypatch.setattr(saving, "ask_where", answer)
    return lambda: tmp_path / asked[-1]


def export(window, kind):
    window.throughput.bar.actions_by_kind[kind].trigger()


# -- throughput


def test_a_curve_per_worker_and_machine_in_one_item_each(qtbot, watching):
    decode, _prefill, busy, network = watching(watched.serving()).throughput.charts
    assert [len(chart.lines) for chart in (decode, busy, network)] == [1, 8, 2]
    _times, rates = decode.lines[0].getData()
    assert sum(rate != rate for rate in rates) >= 1
    qtbot.waitUntil(lambda: bool(decode._labels))
    assert any("lab-05 is" in label.toPlainText() for label in decode._labels)


def test_the_window_of_time_is_chosen_by_click_and_by_key(qtbot, watching):
    window = watching(watched.serving())
    bar = window.throughput.bar
    qtbot.mouseClick(bar.windows[Window.MINUTE], LEFT)
    begins, ends = window.throughput.charts[0].content.span
    assert ends - begins == 60.0
    bar.windows[Window.WHOLE].setFocus()
    qtbot.keyClick(bar.windows[Window.WHOLE], Qt.Key.Key_Space)
    begins, ends = window.throughput.charts[0].content.span
    assert ends - begins == 262.0


def test_the_arrow_keys_tell_the_values_of_a_time(qtbot, watching):
    window = watching(watched.serving())
    chart = window.throughput.charts[0]
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_End)
    newest = chart.accessibleDescription()
    assert "decode: " in newest
    assert "predicted 18.4" in newest
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.accessibleDescription() != newest
    chart.clearFocus()
    assert not chart._pointed.isVisible()


def test_pointing_tells_the_values_of_a_time(qtbot, watching):
    chart = watching(watched.serving()).throughput.charts[0]
    QTest.mouseMove(chart.viewport(), QPoint(chart.width() - 60, chart.height() // 2))
    qtbot.waitUntil(chart._pointed.isVisible)
    assert "tok/s" in chart.accessibleDescription()


def test_the_same_is_a_table_with_the_newest_first(qtbot, watching):
    window = watching(watched.serving())
    qtbot.mouseClick(window.throughput.bar.as_table, LEFT)
    table = window.throughput.table
    assert table.isVisible()
    assert table.texts.rowCount() > 240
    assert table.texts.rows[0][0] > table.texts.rows[-1][0]
    table.selectRow(0)
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "\t".join(table.texts.rows[0])


def test_nothing_is_drawn_while_another_tab_is_in_front(watching):
    window = watching(watched.serving())
    window.tabs.setCurrentWidget(window.commands)
    before = window.throughput.content
    show(window, watched.a_worker_ended())
    assert window.throughput.content is before
    window.tabs.setCurrentWidget(window.throughput)
    assert window.throughput.content is not before


def test_an_answer_that_grows_makes_no_new_curves(watching):
    state = watched.serving()
    window = watching(state)
    before = window.throughput.content
    show(window, replace(state, answer=AnswerShown(prompt="Why?", text="B")))
    assert window.throughput.content is before


def test_charts_are_saved_as_picture_and_as_drawing_and_it_is_said_where(watching, saved_to):
    window = watching(watched.serving())
    export(window, "charts png")
    assert QImage(str(saved_to())).width() > 1000
    assert window.throughput.bar.saved.isVisible()
    assert window.throughput.bar.saved.accessibleName() == f"Saved to {saved_to()}"
    export(window, "charts svg")
    drawing = saved_to().read_text()
    assert "<svg" in drawing
    assert "predicted 18.4" in drawing
    assert "lab-05 is" in drawing


def test_figures_and_the_layer_map_are_saved(watching, saved_to):
    window = watching(watched.serving())
    export(window, "figures csv")
    titles, *rows = csv.reader(saved_to().read_text().splitlines())
    assert titles[0] == "time_iso8601"
    assert len(rows) > 240
    export(window, "layer map png")
    assert saved_to().name.startswith("crossply-layer-map-")
    assert not QImage(str(saved_to())).isNull()


def test_a_folder_that_cannot_be_written_is_named(watching, monkeypatch, tmp_path):
    window = watching(watched.serving())
    monkeypatch.setattr(saving, "ask_where", lambda *_args: str(tmp_path / "missing" / "x.csv"))
    export(window, "figures csv")
    words = window.throughput.bar.saved.accessibleName()
    assert words == f"{tmp_path}/missing/x.csv could not be written: No such file or directory. Choose another folder."
    assert window.throughput.bar.saved.property("role") == "bad"


def test_before_a_run_only_the_layer_map_can_be_saved(watching):
    actions = watching(states.plan_shown()).throughput.bar.actions_by_kind
    assert [kind for kind, action in actions.items() if action.isEnabled()] == ["layer map png"]


# -- topology


def open_topology(window):
    window.tabs.setCurrentWidget(window.tabs.topology)
    return window.tabs.topology


def test_a_click_on_a_machine_shows_its_card(qtbot, watching):
    window = watching(watched.serving())
    tab = open_topology(window)
    box = tab.chart.boxes()[1]
    qtbot.mouseClick(tab.chart, LEFT, pos=QPoint(int(box.left + 20), int(box.middle)))
    assert window.machines.card(remotes.target(2).machine_id).menu_button.hasFocus()


def test_machines_are_reached_by_keys_and_told_to_those_who_do_not_see(qtbot, watching):
    window = watching(watched.serving())
    chart = open_topology(window).chart
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    assert chart.accessibleDescription().startswith("lab-02: ")
    assert "Round trip 0.31 ms" in chart.accessibleDescription()
    with qtbot.waitSignal(window.tabs.topology.machine_chosen) as chosen:
        qtbot.keyClick(chart, Qt.Key.Key_Return)
    assert chosen.args == [remotes.target(2).machine_id]


def test_the_list_says_the_same_in_words(qtbot, watching):
    window = watching(watched.serving())
    tab = open_topology(window)
    assert not tab.is_list
    qtbot.mouseClick(tab.as_list, LEFT)
    assert tab.is_list
    assert tab.table.texts.rows[1][:3] == ("lab-02", "● running", "24 layers on 3 workers")
    qtbot.mouseClick(tab.copy, LEFT)
    assert QGuiApplication.clipboard().text().startswith("Machine\tState\tLayers")


def test_two_hundred_machines_are_listed(watching):
    tab = open_topology(watching(states.many_machines(200)))
    assert tab.is_list
    assert not tab.as_list.isEnabled()
    assert tab.table.texts.rowCount() == 201


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_marks_are_painted_where_the_layers_are(watching, appearance, scale):
    appearance.show(appearance.scheme, scale)
    chart = open_topology(watching(watched.serving())).chart
    image = chart.grab().toImage()
    box = chart.boxes()[1]
    colours = {
        image.pixelColor(x, y).name()
        for x in range(int(box.left), int(box.right))
        for y in range(int(box.top), int(box.top + box.height))
    }
    assert appearance.worker_colour(4).name() in colours


# -- try it


def answering():
    return replace(states.ready(), answer=AnswerShown(prompt="Why?", text="Bec", first_piece_seconds=0.4, n_pieces=3))


def test_an_answer_is_stopped_with_the_same_button_or_escape(qtbot, open_window):
    window = open_window(answering())
    tab = window.try_it
    window.tabs.setCurrentWidget(tab)
    assert tab.send.text() == "Stop"
    qtbot.mouseClick(tab.send, LEFT)
    assert told(window, "cancel") == [(ASK,)]
    assert not tab.send.isEnabled()
    show(window, replace(states.ready(), answer=AnswerShown(prompt="Why?", text="Bec", finished=True, stopped=True)))
    assert tab.send.text() == "Ask"
    show(window, answering())
    qtbot.waitUntil(window.isActiveWindow)
    tab.prompt.setFocus()
    qtbot.keyClick(tab.prompt, Qt.Key.Key_Escape)
    assert told(window, "cancel") == [(ASK,), (ASK,)]


def test_the_chat_box_suits_the_model_until_the_person_sets_it(qtbot, open_window):
    state = states.ready()
    base = replace(state.run.plan, model=replace(state.run.plan.model, has_chat_template=False))
    window = open_window(replace(state, run=replace(state.run, plan=base)))
    tab = window.try_it
    window.tabs.setCurrentWidget(tab)
    assert not tab.chat.isChecked()
    tab.prompt.setPlainText("The sky is")
    qtbot.mouseClick(tab.send, LEFT)
    assert told(window, "ask") == [("The sky is", 256, False)]
    tab.chat.setChecked(True)
    show(window, replace(answering(), run=replace(state.run, plan=base)))
    assert tab.chat.isChecked()


def test_a_second_click_right_after_asking_does_not_stop_it(qtbot, open_window):
    window = open_window(states.ready())
    tab = window.try_it
    window.tabs.setCurrentWidget(tab)
    tab.prompt.setPlainText("Why?")
    qtbot.mouseClick(tab.send, LEFT)
    qtbot.mouseClick(tab.send, LEFT)  # before an answer has begun: it is asked once
    show(window, answering())
    qtbot.mouseClick(tab.send, LEFT)
    assert told(window, "cancel") == []
    assert len(told(window, "ask")) == 1


def test_address_curl_and_page_are_there_while_it_serves(qtbot, open_window, monkeypatch):
    opened = []
    monkeypatch.setattr("gui.tabs.try_it_tab.QDesktopServices.openUrl", lambda url: opened.append(url.toString()))
    window = open_window(states.ready())
    tab = window.try_it
    window.tabs.setCurrentWidget(tab)
    qtbot.mouseClick(tab.copy_curl, LEFT)
    assert QGuiApplication.clipboard().text().startswith("curl http://127.0.0.1:8080/v1/")
    assert tab.copy_curl.text() == "Copied"
    qtbot.mouseClick(tab.open_page, LEFT)
    assert opened == ["http://127.0.0.1:8080"]
    show(window, states.plan_shown())
    assert not tab.open_page.isVisible()


# -- history and logs


def test_a_run_is_chosen_reproduced_and_saved(qtbot, open_window, saved_to):
    window = open_window(states.plan_shown())
    tab = window.history
    window.tabs.setCurrentWidget(tab)
    tab.table.setFocus()
    qtbot.keyClick(tab.table, Qt.Key.Key_Down)
    assert tab.details.toPlainText().startswith("Run 1 of 2026-11-23")
    qtbot.mouseClick(tab.reproduce, LEFT)
    assert QGuiApplication.clipboard().text() == "crossplyctl record 1 > run-1.json && crossplyctl reproduce run-1.json"
    qtbot.mouseClick(tab.save_record, LEFT)
    assert '"format": "crossply-run"' in saved_to().read_text()
    qtbot.mouseClick(tab.save_csv, LEFT)
    assert len(saved_to().read_text().splitlines()) == 3


def test_runs_of_one_model(qtbot, open_window):
    base = states.plan_shown()
    other = replace(base.history[0], id="9", model=replace(base.history[0].model, name="gemma"))
    window = open_window(replace(base, history=(other, *base.history)))
    tab = window.history
    window.tabs.setCurrentWidget(tab)
    assert [row.id for row in tab.rows] == ["9", "2", "1"]
    tab.model.setCurrentIndex(tab.model.findData("gemma"))
    tab.model.activated.emit(tab.model.currentIndex())
    assert [row.id for row in tab.rows] == ["9"]


def open_logs(window):
    window.tabs.setCurrentWidget(window.logs)
    return window.logs


def test_only_what_is_bad_enough_is_shown_and_saved(qtbot, open_window, saved_to):
    window = open_window(states.ready())
    logs = open_logs(window)
    window.session.say("llama-server", "0.01.000 I fine", "0.01.001 W odd", "0.01.002 E gone")
    window.bridge.pull()
    logs.level.setCurrentIndex(1)
    logs.level.activated.emit(1)
    assert [line[-3:] for line in logs.text.toPlainText().splitlines()] == ["odd", "one"]
    qtbot.mouseClick(logs.save, LEFT)
    assert saved_to().name.startswith("crossply-log-llama-server-")
    assert len(saved_to().read_text().splitlines()) == 2


def test_lines_of_a_hidden_tab_are_there_when_it_is_shown(open_window):
    window = open_window(states.ready())
    window.session.say("llama-server", "first")
    window.bridge.pull()
    assert window.logs.text.toPlainText() == ""
    assert open_logs(window).text.toPlainText().endswith("first")
    window.tabs.setCurrentWidget(window.commands)
    window.session.say("llama-server", "second")
    window.bridge.pull()
    assert open_logs(window).text.toPlainText().splitlines()[-1].endswith("second")
    assert window.logs.following


def test_what_is_in_view_stays_in_view_when_old_lines_fall_off(open_window):
    window = open_window(states.ready())
    logs = open_logs(window)
    for _ in range(5):
        window.session.say("llama-server", *(f"line {number}" for number in range(4000)))
        window.bridge.pull()
    bar = logs.text.verticalScrollBar()
    bar.setValue(15_000)
    window.session.say("llama-server", *(f"more {number}" for number in range(1000)))
    window.bridge.pull()
    assert bar.value() == 14_000
    assert logs.text.blockCount() == 20_000
