"""A row that goes on in the next line: nothing is cut off where it is narrow."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.small_parts.wrapping_row import WrappingRow


class Fixed(QWidget):
    """100 by 20."""

    def sizeHint(self):
        return QSize(100, 20)


@pytest.fixture
def row(qtbot):
    outside = QWidget()
    qtbot.addWidget(outside)
    box = QVBoxLayout(outside)
    box.setContentsMargins(0, 0, 0, 0)
    row = WrappingRow(spacing=10)
    box.addLayout(row)
    box.addStretch(1)
    widgets = [Fixed() for _ in range(3)]
    for widget in widgets:
        row.addWidget(widget)
    outside.widgets, outside.row = widgets, row
    return outside


@pytest.mark.parametrize(
    ("width", "places"),
    [
        (320, [(0, 0), (110, 0), (220, 0)]),
        (319, [(0, 0), (110, 0), (0, 30)]),
        (150, [(0, 0), (0, 30), (0, 60)]),
    ],
)
def test_it_goes_on_in_the_next_line(row, width, places):
    row.resize(width, 200)
    row.show()
    assert [(widget.x(), widget.y()) for widget in row.widgets] == places
    assert {(widget.width(), widget.height()) for widget in row.widgets} == {(100, 20)}
    assert row.row.heightForWidth(width) == places[-1][1] + 20


def test_it_asks_for_no_more_width_than_its_widest(row):
    assert row.minimumSizeHint().width() == 100


def test_what_is_hidden_or_removed_takes_no_room(row):
    row.resize(150, 200)
    row.show()
    row.widgets[0].hide()
    row.row.removeWidget(row.widgets[1])
    row.layout().activate()
    assert (row.widgets[2].x(), row.widgets[2].y(), row.row.count()) == (0, 0, 2)
