"""The history tab and the worth of workers, by clicks."""

from PySide6.QtCore import Qt

from gui.dialogs.worker_worths import WorkerWorths
from tests.fakes import cluster_states as states


def test_runs_are_rows_and_the_worths_open_on_a_click(qtbot, open_window) -> None:
    window = open_window(states.plan_shown())
    model = window.history.model
    assert (model.rowCount(), model.columnCount()) == (2, 10)
    assert model.data(model.index(1, 6)) == "+11.1%"
    assert "Run 2" in model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert model.headerData(0, Qt.Orientation.Horizontal) == "When (UTC)"
    qtbot.mouseClick(window.plan.worths, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(WorkerWorths)
    assert dialog.words.text().count("adds 18.0 GB") == 3
    dialog.close()


def test_without_runs_the_tab_says_so(open_window) -> None:
    window = open_window(states.no_model())
    assert "Every launch is measured" in window.history.empty.text()
    assert not window.plan.worths.isVisibleTo(window)
