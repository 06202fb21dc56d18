"""From a fresh machine to a token in three clicks: the whole window, the real session, everything outside made up."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest

from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from engine.vocabulary.plan import Plan
from gui.main_window import MainWindow
from gui.session_bridge import SessionBridge
from tests.fakes.ports.fake_files import DEMO_PATH
from tests.fakes.sessions.fake_outside import MODEL, OTHER_MODEL, FakeJobs, FakeProgram, Fakes, a_model, lines_for, settle
from tests.fakes.states import cluster_states as states

LEFT = Qt.MouseButton.LeftButton


class FreshMachine:
    """A window as on the first start. Every click and every key counts up."""

    def __init__(self, qtbot, appearance, tmp_path, fakes: Fakes) -> None:
        self.qtbot, self.fakes, self.n_clicks = qtbot, fakes, 0
        jobs = FakeJobs()
        self.session = Session(fakes.outside(), Choices(), jobs=jobs)
        jobs.on_bug = self.session.on_bug
        self.session.look_again()
        self.session.documents.start()
        self.bridge = SessionBridge(self.session)
        settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow(self.bridge, appearance, settings)
        qtbot.addWidget(self.window, before_close_func=lambda window: window._end())
        self.window.resize(1280, 860)
        self.window.show()
        qtbot.waitUntil(self.window.isActiveWindow)
        self.go_on()

    def go_on(self) -> ClusterState:
        state = settle(self.session)
        if isinstance(state.plan, Plan):
            self.fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(state.plan)))
        self.bridge.pull()
        return state

    def click(self, widget, place=None) -> ClusterState:
        self.n_clicks += 1
        assert widget.isVisible()
        assert widget.isEnabled()
        QTest.mouseClick(widget, LEFT, pos=place or widget.rect().center())
        return self.go_on()

    def open_try_it(self) -> None:
        bar = self.window.tabs.tabBar()
        self.click(bar, bar.tabRect(self.window.tabs.indexOf(self.window.try_it)).center())


@pytest.fixture
def fakes() -> Fakes:
    made = Fakes()
    made.models.models.clear()
    return made


def test_without_a_model_three_clicks_and_a_question(qtbot, appearance, tmp_path, fakes) -> None:
    def fetched() -> None:
        fakes.models.models[DEMO_PATH] = a_model(DEMO_PATH)

    fakes.demo.on_fetch = fetched
    fresh = FreshMachine(qtbot, appearance, tmp_path, fakes)
    window = fresh.window
    state = fresh.click(window.model_offer.get)
    assert state.choices.model_path == DEMO_PATH
    assert not window.model_offer.isVisible()
    fresh.click(window.header.primary)
    assert window.header.primary.text() == "Stop"
    fresh.open_try_it()
    focused = window.focusWidget()
    assert focused is window.try_it.prompt, "one may type at once"
    qtbot.keyClicks(focused, "Capital of France?")
    qtbot.keyClick(focused, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    fresh.go_on()
    assert window.try_it.answer.toPlainText() == "Paris"
    assert fresh.n_clicks == 3


def test_with_one_model_it_is_chosen_already(qtbot, appearance, tmp_path, fakes) -> None:
    fakes.models.models[MODEL] = a_model(MODEL)
    fresh = FreshMachine(qtbot, appearance, tmp_path, fakes)
    assert fresh.window.header.model.currentData() == MODEL
    assert not fresh.window.model_offer.isVisible()
    fresh.click(fresh.window.header.primary)
    assert fresh.window.header.primary.text() == "Stop"
    assert fresh.n_clicks == 1


def test_of_several_models_a_person_chooses_and_headings_cannot_be_chosen(qtbot, appearance, tmp_path, fakes) -> None:
    fakes.models.models |= {MODEL: a_model(MODEL), OTHER_MODEL: a_model(OTHER_MODEL, 4)}
    window = FreshMachine(qtbot, appearance, tmp_path, fakes).window
    assert window.header.model.currentIndex() == -1
    qtbot.keyClick(window.header.model, Qt.Key.Key_Down)
    assert window.header.model.currentData() == MODEL
    assert window.header.model.itemText(0) == "Crossply's own folder"
    assert not window.header.model.model().flags(window.header.model.model().index(0, 0)) & Qt.ItemFlag.ItemIsEnabled


def test_the_offer_beside_browse(qtbot, open_window, monkeypatch) -> None:
    window = open_window(ClusterState(models_searched=True))
    offer = window.model_offer
    qtbot.mouseClick(offer.get, LEFT)
    assert window.session.commands == [("fetch_demo_model",)]
    monkeypatch.setattr("gui.main_window.choose_model_file", lambda _window, _beside: "/m.gguf")
    qtbot.mouseClick(offer.browse, LEFT)
    assert window.session.state.choices.model_path == "/m.gguf"
    window.bridge.pull()
    assert not offer.isVisible()


def test_no_offer_while_models_are_known_or_looked_for(open_window) -> None:
    assert not open_window(states.no_model()).model_offer.isVisible()
    assert not open_window(states.looking()).model_offer.isVisible()
