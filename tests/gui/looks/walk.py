"""Walking a window as someone does who cannot see it, or has no mouse: names, Tab, focus rings, words that are cut off."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)

INTERACTIVE = (QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QAbstractItemView, QAbstractSlider, QAbstractSpinBox)
MOST_STEPS = 400
SLACK = 2
"""Pixels that a style may round away."""


def interactive(top: QWidget) -> list[QWidget]:
    """What can be used now: visible, enabled, and no part of another control."""
    return [widget for widget in top.findChildren(QWidget) if _can_be_used(widget) and not _is_inner(widget, top)]


def name_of(widget: QWidget) -> str:
    """As a screen reader says it."""
    found = QAccessible.queryAccessibleInterface(widget)
    said = "" if found is None else found.text(QAccessible.Text.Name)
    return widget.accessibleName() or said


def described(widget: QWidget) -> str:
    """For a failed assertion: what it is, what it says, where it lies."""
    parents, parent = [], widget.parentWidget()
    while parent is not None and len(parents) < 3:
        parents.append(type(parent).__name__)
        parent = parent.parentWidget()
    return f"{type(widget).__name__} '{name_of(widget)}' in {' in '.join(parents)}"


def tab_through(top: QWidget) -> list[QWidget]:
    """Every widget that Tab comes to, in its order, until it comes round, or to one that does not let go."""
    reached: list[QWidget] = []
    for _ in range(MOST_STEPS):
        QTest.keyClick(QApplication.focusWidget() or top, Qt.Key.Key_Tab)
        widget = QApplication.focusWidget()
        if widget is None or widget in reached:
            break
        reached.append(widget)
    return reached


def shows_focus(widget: QWidget) -> bool:
    """Whether its picture is another one with the focus than without."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    with_focus = widget.grab().toImage()
    widget.clearFocus()
    QApplication.processEvents()
    return with_focus != widget.grab().toImage()


def clipped_texts(top: QWidget) -> list[str]:
    """Labels and buttons whose words do not fit into them."""
    labels = [label for label in top.findChildren(QLabel) if label.isVisible() and label.text() and _label_is_clipped(label)]
    buttons = [button for button in top.findChildren(QAbstractButton) if _button_is_clipped(button)]
    return [f"{described(widget)}: {_needed(widget)} in {widget.size().toTuple()}" for widget in (*labels, *buttons)]


def _can_be_used(widget: QWidget) -> bool:
    kind = isinstance(widget, INTERACTIVE) or widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    return bool(kind) and widget.isVisible() and widget.isEnabled() and not isinstance(widget, QScrollBar)


def _is_inner(widget: QWidget, top: QWidget) -> bool:
    """Qt builds some controls of others: the field of a spin box, the clear button of a field, the header of a list; and some
    hand the focus on."""
    if widget.focusProxy() is not None:
        return True
    parent = widget.parentWidget()
    while parent is not None and parent is not top:
        if isinstance(parent, (QComboBox, QLineEdit, QAbstractSpinBox, QTabBar, QAbstractItemView)):
            return True
        parent = parent.parentWidget()
    return type(widget).__name__ == "QWidget" and not widget.accessibleName()


def _label_is_clipped(label: QLabel) -> bool:
    if label.wordWrap():
        return label.heightForWidth(label.width()) > label.height() + SLACK
    needed = _needed(label)
    return needed[0] > label.width() + SLACK or needed[1] > label.height() + SLACK


def _button_is_clipped(button: QAbstractButton) -> bool:
    if not button.isVisible() or not button.text():
        return False
    needed = _needed(button)
    return needed[0] > button.width() + SLACK or needed[1] > button.height() + SLACK


def _needed(widget: QWidget) -> tuple[int, int]:
    hint = widget.sizeHint()
    return hint.width(), hint.height()
