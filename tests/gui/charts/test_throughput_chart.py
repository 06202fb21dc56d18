"""What a new reading costs a chart: one painting, and nothing set again that did not change. And it shows what it should."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QApplication, QWidget

from gui.charts.throughput_chart import ThroughputChart
from gui.tabs.throughput_tab import ChartBlock
from gui.what_to_show.tabs.throughput_content import DECODE_MARK
from gui.what_to_show.watching.charts import ChartContent, MarkContent, Unit, line_of

BEGAN = 1_700_000_000.0


def content_at(second: int, *, empty: str = "") -> ChartContent:
    """A minute of readings that ends then, with a prediction and something that happened."""
    times = tuple(BEGAN + second + at for at in range(60))
    lines = () if empty else (line_of("decode", DECODE_MARK, times, [18.0 + at % 7 for at in range(60)]),)
    return ChartContent(
        title="Decode",
        unit=Unit.RATE,
        times=times,
        lines=lines,
        span=(times[0], times[-1]),
        top=30.0 + 10 * (second // 5),
        marks=(MarkContent(at_seconds=BEGAN + 40, words="12:00 launched", role="muted"),),
        predicted=20.0,
        predicted_words="predicted 20.0",
        empty=empty,
    )


class Paintings(QObject):
    """Counts them."""

    def __init__(self, chart: ThroughputChart) -> None:
        super().__init__()
        self.n = 0
        chart.viewport().installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.n += event.type() == QEvent.Type.Paint
        return False


@pytest.fixture
def make_chart(qtbot, appearance):
    windows: list[QWidget] = []

    def make(second: int) -> ThroughputChart:
        around = QWidget()
        windows.append(around)
        qtbot.addWidget(around)
        around.resize(440, 260)
        chart = ThroughputChart(appearance, words_at_marks=True, parent=around)
        chart.resize(420, 200)
        chart.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # whoever has it has a frame
        around.show()
        chart.show_content(content_at(second))
        settle()
        return chart

    yield make
    windows.clear()


def settle() -> None:
    for _round in range(5):
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents()


def test_a_new_reading_is_painted_once(make_chart):
    chart = make_chart(0)
    paintings = Paintings(chart)
    for second in (1, 2, 3):
        chart.show_content(content_at(second))
        settle()
        assert paintings.n == second
    chart.show_content(content_at(3))
    settle()
    assert paintings.n == 3
    chart.resize(430, 240)
    settle()
    assert paintings.n == 4, "also after another size"


def test_what_did_not_change_is_not_set_again(make_chart, monkeypatch):
    chart, again = make_chart(0), []
    for name in ("left", "bottom", "top", "right"):
        monkeypatch.setattr(chart.getAxis(name), "_updateLabel", lambda name=name: again.append(name))
    monkeypatch.setattr(chart.getAxis("top"), "setRange", lambda *_range: again.append("an axis that nobody sees"))
    for role, item in chart._happened.items():
        monkeypatch.setattr(item, "setData", lambda *_data, role=role: again.append(role))
    chart.show_content(content_at(1))
    assert again == []


def test_pointing_again_after_the_scale_has_moved_is_where_it_belongs(make_chart):
    used, fresh = make_chart(0), make_chart(9)
    at, nowhere = BEGAN + 30, QPoint(-500, -500)
    used._point_at(at, nowhere)
    settle()
    used._pointed.setVisible(False)
    used.show_content(content_at(9))
    settle()
    without = used.grab().toImage()
    for chart in (used, fresh):
        chart._point_at(at, nowhere)
        settle()
    assert used.grab().toImage() == fresh.grab().toImage() != without


def test_a_chart_behind_its_sentence_is_given_nothing_to_draw(qtbot, appearance):
    block = ChartBlock(appearance, ThroughputChart(appearance))
    qtbot.addWidget(block)
    block.show_content(content_at(0, empty="Once it runs."))
    assert block.is_empty
    assert block.chart.content is None
    block.show_content(content_at(1))
    assert not block.is_empty
    assert block.chart.content == content_at(1)
