"""A streamed answer in the state."""

import pytest

from engine.errors import Cancelled, CoordinatorUnusable
from engine.ports import AnswerPiece
from engine.session.working.ask import ask
from tests.fakes.sessions.fake_outside import TIMINGS, FakeClock, FakeCoordinator, FakeToken


def asked(client, *, step=1.0, token=None):
    posted = []
    token = token or FakeToken()
    try:
        ask(client, "What?", 8, chat=True, temperature=None, clock=FakeClock(step), post=posted.append, token=token)
    finally:
        asked.answers = [event.answer for event in posted]
    return asked.answers


def test_it_grows_and_ends_with_timings():
    answers = asked(FakeCoordinator())
    assert [answer.text for answer in answers] == ["", "Par", "Paris", "Paris"]
    assert [answer.finished for answer in answers] == [False, False, False, True]
    assert answers[-1].timings == TIMINGS
    assert {answer.prompt for answer in answers} == {"What?"}


def test_it_is_not_shown_more_often_than_ten_times_a_second():
    pieces = tuple(AnswerPiece(text="x") for _ in range(100))
    answers = asked(FakeCoordinator(pieces=pieces), step=0.01)
    assert len(answers) < 25
    assert answers[-1].text == "x" * 100


def test_an_end_in_the_middle_keeps_what_was_said():
    answers = asked(FakeCoordinator(fails=CoordinatorUnusable("It is gone.")))
    assert (answers[-1].text, answers[-1].finished, answers[-1].problem) == ("Paris", True, "It is gone.")


def test_a_cancelled_answer_is_finished_too():
    token = FakeToken()
    token.cancel()
    with pytest.raises(Cancelled):
        asked(FakeCoordinator(), token=token)
    assert asked.answers[-1].finished
    assert asked.answers[-1].stopped
    assert asked.answers[-1].problem is None


def test_the_first_piece_and_the_pace_are_of_this_very_answer():
    pieces = (*(AnswerPiece(text=text) for text in ("a", "", "b", "c")), AnswerPiece(text="", timings=TIMINGS))
    last = asked(FakeCoordinator(pieces=pieces), step=0.5)[-1]
    assert (last.n_pieces, last.first_piece_seconds, last.pieces_seconds) == (3, 0.5, 1.5)
    assert last.timings == TIMINGS


def test_what_was_said_before_a_stop_stays():
    class StopsLater(FakeToken):
        def check(self):
            if self.seen == 2:
                self.cancel()
            self.seen += 1
            super().check()

    token = StopsLater()
    token.seen = 0
    with pytest.raises(Cancelled):
        asked(FakeCoordinator(pieces=tuple(AnswerPiece(text=text) for text in "abcd")), token=token)
    last = asked.answers[-1]
    assert (last.text, last.stopped, last.timings) == ("ab", True, None)
