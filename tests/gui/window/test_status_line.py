"""The bottom line: what it leads to, and where its words go when there is no room."""

from __future__ import annotations

from tests.fakes.states import cluster_states as states
from tests.gui.window_hands import LEFT


def test_it_leads_to_the_question_once_something_is_served(qtbot, open_window) -> None:
    assert not open_window(states.plan_shown()).status.try_it.isVisible()
    window = open_window(states.ready())
    qtbot.mouseClick(window.status.try_it, LEFT)
    assert window.tabs.currentWidget() is window.try_it
    assert window.focusWidget() is window.try_it.prompt


def test_what_is_exposed_goes_into_a_second_line_before_the_address_is_shortened(qtbot, open_window) -> None:
    window = open_window(states.ready())
    left, right = window.status.left, window.status.right
    qtbot.waitUntil(lambda: right.y() < left.geometry().bottom())
    window.preferences.set(text_scale=2.0)
    window.resize(1024, 700)
    qtbot.waitUntil(lambda: right.y() > left.geometry().bottom())
    window.preferences.set(text_scale=1.0)
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: right.y() < left.geometry().bottom())
