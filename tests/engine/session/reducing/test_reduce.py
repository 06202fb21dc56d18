"""Activities, problems, answers, closing."""

from dataclasses import replace

from engine.session import events
from engine.session.reducing.reduce import MAX_PROBLEMS, reduce
from engine.session.state import AnswerShown, ClusterState, RunPhase
from engine.vocabulary.running.problem import Problem, ProblemKind
from tests.fakes.states.cluster_pieces import timings
from tests.fakes.states.cluster_states import ready, starting


def problem(text="x"):
    return Problem(kind=ProblemKind.WORKER, where="w", happened=text)


def after(state, *happened):
    for event in happened:
        state = reduce(state, event)
    return state


def test_an_activity_begins_moves_and_ends():
    state = after(
        ClusterState(),
        events.ActivityProgressed(id="a", title="A"),
        events.ActivityProgressed(id="b", title="B"),
        events.ActivityProgressed(id="a", title="A", fraction=0.5, detail="half"),
    )
    assert [(activity.id, activity.fraction) for activity in state.activities] == [("a", 0.5), ("b", None)]
    state = reduce(state, events.ActivityEnded(id="a"))
    assert [activity.id for activity in state.activities] == ["b"]
    assert state.n_activities_ended == 1


def test_the_same_problem_is_told_once_and_old_ones_go():
    state = after(ClusterState(), *(events.ProblemHappened(problem=problem()) for _ in range(3)))
    assert state.problems == (problem(),)
    state = after(state, *(events.ProblemHappened(problem=problem(str(n))) for n in range(50)))
    assert len(state.problems) == MAX_PROBLEMS
    assert state.problems[-1] == problem("49")


def test_a_problem_that_ends_the_run():
    state = reduce(starting(), events.ProblemHappened(problem=problem(), ends_run=True))
    assert not state.run_wanted
    assert state.run_phase is RunPhase.FAILED


def test_a_problem_of_an_earlier_launch_is_dropped():
    state = replace(starting(), n_launches=2)
    late = events.ProblemHappened(problem=problem(), ends_run=True, launch=1)
    assert reduce(state, late) == state
    stopped = replace(state, run_wanted=False)
    assert reduce(stopped, replace(late, launch=2)) == stopped
    assert reduce(state, replace(late, launch=2)).run_phase is RunPhase.FAILED


def test_dismissing():
    state = after(ClusterState(), *(events.ProblemHappened(problem=problem(str(n))) for n in range(3)))
    assert reduce(state, events.ProblemDismissed(problem=problem("1"))).problems == (problem("0"), problem("2"))
    assert reduce(state, events.ProblemDismissed(problem=problem("9"))).problems == state.problems


def test_an_answer_grows():
    state = reduce(ready(), events.AnswerGrew(answer=AnswerShown(prompt="p", text="t", timings=timings(7.0))))
    assert (state.answer.text, state.answer.timings) == ("t", timings(7.0))


def test_closing_stops_first():
    state = reduce(ready(), events.CloseAsked())
    assert state.closing
    assert not state.run_wanted
    assert state.run_phase is RunPhase.STOPPING
    assert not state.closed


def test_nothing_is_launched_while_closing():
    state = reduce(replace(ready(), run_wanted=False, processes=()), events.CloseAsked())
    assert reduce(state, events.LaunchAsked()) == state
