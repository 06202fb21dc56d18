"""What a person would note down with the time."""

from dataclasses import replace

from engine.session import events, remote_events
from engine.session.reducing.moments import LONGEST_SUBJECT
from engine.session.reducing.reduce import reduce
from engine.session.state import AnswerShown, RunPhase
from engine.session.watched import MOST_MOMENTS, MomentKind
from engine.vocabulary.remote import RemotePhase
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessOutcome
from engine.vocabulary.running.recovery import RecoveryMode
from tests.fakes.states import remote_states
from tests.fakes.states.cluster_pieces import timings
from tests.fakes.states.cluster_states import loading, plan_refused, plan_shown, ready


def kinds(state):
    return [moment.kind for moment in state.watched.moments]


def at(state, seconds):
    return replace(state, now_seconds=seconds)


def test_a_launch_is_noted_with_its_time_and_a_refused_one_is_not():
    state = reduce(at(plan_shown(), 7.0), events.LaunchAsked())
    assert [(moment.kind, moment.at_seconds) for moment in state.watched.moments] == [(MomentKind.LAUNCHED, 7.0)]
    assert kinds(reduce(plan_refused(), events.LaunchAsked())) == []


def test_ready_then_measured_then_stopped():
    state = reduce(loading(), events.ProcessReady(id="llama-server", at_seconds=5.0))
    state = reduce(state, events.BenchmarkDone(timings=timings()))
    state = reduce(state, events.BenchmarkDone(timings=timings()))
    state = reduce(state, events.StopAsked())
    asked = ProcessOutcome(exit_code=0, stop_asked=True)
    for process in state.processes:
        state = reduce(reduce(state, events.ProcessStopping(id=process.id)), events.ProcessEnded(id=process.id, outcome=asked))
    assert state.run_phase is RunPhase.STOPPED
    assert kinds(state) == [MomentKind.READY, MomentKind.MEASURED, MomentKind.STOPPED]


def test_a_worker_that_ends_is_named_with_its_machine_and_takes_the_run_with_it():
    state = ready()
    worker = replace(state.processes[1], machine_name="gpu-2")
    never = replace(state.choices, recovery=RecoveryMode.NEVER)
    state = replace(state, choices=never, processes=(state.processes[0], worker, *state.processes[2:]))
    unasked = ProcessOutcome(exit_code=1, stop_asked=False)
    state = reduce(state, events.ProcessEnded(id=worker.id, outcome=unasked))
    failed, ended = state.watched.moments
    assert (failed.kind, ended.kind) == (MomentKind.FAILED, MomentKind.ENDED)
    assert (ended.subject, ended.machine_name) == ("rpc-server for cuda:0", "gpu-2")


def test_a_question_is_noted_once_in_its_first_words():
    state = reduce(ready(), events.AnswerGrew(answer=AnswerShown(prompt="Why\n is " + "it so " * 50)))
    state = reduce(state, events.AnswerGrew(answer=AnswerShown(prompt="Why", text="Be")))
    (asked,) = state.watched.moments
    assert asked.kind is MomentKind.ASKED
    assert asked.subject.startswith("Why is it so")
    assert len(asked.subject) == LONGEST_SUBJECT


def test_a_link_that_broke_and_came_back():
    state = remote_states.starting()
    target = remote_states.target(2)
    lost = Problem(kind=ProblemKind.MACHINE, where="lab-02", happened="It does not answer.")
    lost_twice = (RemotePhase.UNREACHABLE, RemotePhase.CONNECTING, RemotePhase.UNREACHABLE)
    for phase in (*lost_twice, RemotePhase.CONNECTING, RemotePhase.LOOKING, RemotePhase.READY):
        problem = lost if phase is RemotePhase.UNREACHABLE else None
        state = reduce(state, remote_events.MachineTurned(target=target, phase=phase, problem=problem))
    assert [(m.kind, m.machine_name) for m in state.watched.moments] == [
        (MomentKind.LOST, "lab-02"),
        (MomentKind.BACK, "lab-02"),
    ]


def test_they_are_bounded_and_outlive_a_launch():
    state = ready()
    for number in range(MOST_MOMENTS + 5):
        state = reduce(state, events.AnswerGrew(answer=AnswerShown(prompt=str(number))))
    assert len(state.watched.moments) == MOST_MOMENTS
    again = reduce(replace(state, run_wanted=False, processes=()), events.LaunchAsked())
    assert kinds(again)[-2:] == [MomentKind.ASKED, MomentKind.LAUNCHED]


def test_what_changes_nothing_is_no_moment():
    state = ready()
    assert reduce(state, events.LaunchAsked()) is state
