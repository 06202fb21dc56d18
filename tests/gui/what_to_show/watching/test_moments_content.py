"""Moments in words."""

from dataclasses import replace

from engine.session.watched import Moment, MomentKind, Watched
from gui.what_to_show.watching.moments_content import launched_at, marks_of_moments, moment_text
from tests.fakes.states import cluster_states as states
from tests.fakes.states import watched_states as watched


def moment(kind, at=1.0, subject="", machine=""):
    return Moment(at_seconds=at, kind=kind, subject=subject, machine_name=machine)


def test_each_kind_has_words():
    words = {kind: moment_text(moment(kind, subject="lab-05", machine="lab-05")) for kind in MomentKind}
    assert words[MomentKind.LOST] == "lab-05 is not reachable"
    assert words[MomentKind.BACK] == "lab-05 is reachable again"
    assert words[MomentKind.ENDED] == "lab-05: lab-05 ended"
    assert words[MomentKind.STOPPED] == "stopped"
    assert len(set(words.values())) == len(MomentKind)


def test_a_question_keeps_its_words_in_the_window():
    asked = moment(MomentKind.ASKED, subject="Why?")
    assert moment_text(asked) == "question: “Why?”"
    assert moment_text(asked, with_question=False) == "question"


def test_those_of_one_second_are_one_mark_with_the_cause_first():
    moments = (
        moment(MomentKind.FAILED, 5.1),
        moment(MomentKind.ENDED, 5.4, "llama-server", "a"),
        moment(MomentKind.STOPPED, 9),
    )
    state = replace(states.ready(), watched=Watched(moments=moments))
    marks = marks_of_moments(state, 0.0)
    assert [mark.words[9:] for mark in marks] == ["a: llama-server ended, run failed", "stopped"]
    assert [mark.role for mark in marks] == ["bad", "muted"]
    assert marks_of_moments(state, 6.0) == marks[1:]


def test_the_last_launch_counts():
    state = watched.serving()
    assert launched_at(state) == watched.LAUNCHED_AT
    assert launched_at(states.ready()) is None
