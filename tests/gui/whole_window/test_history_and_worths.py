"""The history tab and the worth of workers, by clicks."""

from dataclasses import replace

from PySide6.QtCore import Qt

from engine.session.plan_runs.in_background import MEASURE_PLANS
from engine.session.state import Activity
from gui.dialogs.sheets.worker_worths import WorkerWorths
from tests.fakes.states import cluster_states as states
from tests.gui.window_hands import show


def test_runs_are_rows_and_the_worths_open_on_a_click(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    window.tabs.setCurrentWidget(window.history)
    model = window.history.table.texts
    assert (model.rowCount(), model.columnCount()) == (2, 12)
    assert model.data(model.index(1, 5)) == "+11.1%"
    assert "Run 2" in model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert model.headerData(0, Qt.Orientation.Horizontal) == "When (UTC)"
    qtbot.mouseClick(window.plan.worths, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(WorkerWorths)
    assert dialog.words.text().count("adds 18.0 GB") == 3
    dialog.close()


def test_the_chosen_run_stays_chosen_when_a_newer_one_comes_in(open_window) -> None:
    state = states.plan_shown()
    window = open_window(state)
    tab = window.history
    window.tabs.setCurrentWidget(tab)
    tab.table.selectRow(1)
    said = tab.details.toPlainText()
    show(window, replace(state, history=(replace(state.history[0], id="newer"), *state.history)))
    assert tab.table.currentIndex().row() == 2
    assert tab.details.toPlainText() == said, "what is copied and saved is the run that was chosen"


def test_without_runs_the_tab_says_so(open_window) -> None:
    window = open_window(states.no_model())
    window.tabs.setCurrentWidget(window.history)
    assert "Every launch is measured" in window.history.empty.text()
    assert not window.plan.worths.isVisibleTo(window)


def test_the_best_plans_are_measured_on_a_click(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    qtbot.mouseClick(window.plan.try_plans, Qt.MouseButton.LeftButton)
    assert window.session.commands[-1] == ("measure_plans",)
    busy = (Activity(id=MEASURE_PLANS, title="Measuring the best plans"),)
    window = open_window(replace(states.plan_shown(), activities=busy))
    assert not window.plan.try_plans.isEnabled()
    assert not window.plan.measure.isEnabled()
