"""The strip in the window: buttons do what they say, a notice that was dismissed stays away."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from tests.fakes.states.recovery_states import a_cost, asking, back, stopping, there_again, waiting


@pytest.fixture
def strip_of(open_window):
    def of(state):
        window = open_window(state)
        window.show_state(state)
        return window, window.notices.recovery

    return of


@pytest.mark.parametrize("state", [waiting(), asking()], ids=["waits", "asks"])
def test_go_on_and_stop(strip_of, qtbot, state):
    window, strip = strip_of(state)
    assert strip.isVisible()
    qtbot.mouseClick(strip.go, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(strip.stop, Qt.MouseButton.LeftButton)
    assert [command for command in window.session.commands if command[0] in ("try_again", "stop")] == [
        ("try_again",),
        ("stop",),
    ]


def test_while_it_stops_there_is_nothing_to_hurry(strip_of):
    _window, strip = strip_of(stopping())
    assert strip.go.isHidden()
    assert not strip.stop.isHidden()
    assert strip.dismiss.isHidden()


def test_a_dismissed_notice_stays_away_until_the_next_one(strip_of, qtbot):
    state = back()
    window, strip = strip_of(state)
    assert strip.isVisible()
    qtbot.mouseClick(strip.dismiss, Qt.MouseButton.LeftButton)
    assert window.notices.isHidden()
    window.show_state(state)
    assert strip.isHidden()
    twice = replace(state, recovery=replace(state.recovery, history=(a_cost(), a_cost(seconds=5.0))))
    window.show_state(twice)
    assert "5.00 s" in strip.title.text()
    assert strip.isVisible()


def test_a_machine_that_is_there_again_is_used_when_asked(strip_of, qtbot):
    window, strip = strip_of(back())
    qtbot.mouseClick(strip.dismiss, Qt.MouseButton.LeftButton)
    window.show_state(there_again())
    assert strip.isVisible(), "it says something new"
    assert strip.stop.isHidden()
    qtbot.mouseClick(strip.go, Qt.MouseButton.LeftButton)
    assert window.session.commands[-1] == ("go_back",)


def test_the_keyboard_reaches_its_buttons(strip_of):
    _window, strip = strip_of(waiting())
    assert all(button.focusPolicy() & Qt.FocusPolicy.TabFocus for button in (strip.go, strip.stop, strip.dismiss))
    assert strip.accessibleName()
