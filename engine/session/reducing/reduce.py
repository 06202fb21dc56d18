"""``reduce(state, event) -> state``: the only way the state changes. Pure.

One handler per kind of event, in a table: the inputs of a plan in ``reduce_inputs``, a run in ``reduce_run``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.session import events, remote_events
from engine.session.recovering import steps
from engine.session.reducing import reduce_history, reduce_inputs, reduce_remote, reduce_run
from engine.session.reducing.moments import with_moments
from engine.session.state import Activity, ClusterState

MAX_PROBLEMS = 20


def reduce(state: ClusterState, event: events.Event) -> ClusterState:
    """The state after an event."""
    return with_moments(state, _HANDLERS[type(event)](state, event))


def _activity_progressed(state: ClusterState, event: events.ActivityProgressed) -> ClusterState:
    now = Activity(id=event.id, title=event.title, fraction=event.fraction, detail=event.detail)
    if any(activity.id == event.id for activity in state.activities):
        return replace(state, activities=tuple(now if old.id == event.id else old for old in state.activities))
    return replace(state, activities=(*state.activities, now))


def _activity_ended(state: ClusterState, event: events.ActivityEnded) -> ClusterState:
    activities = tuple(activity for activity in state.activities if activity.id != event.id)
    return replace(state, activities=activities, n_activities_ended=state.n_activities_ended + 1)


def _problem_happened(state: ClusterState, event: events.ProblemHappened) -> ClusterState:
    if event.launch is not None and (event.launch != state.n_launches or not state.run_wanted):
        return state
    if event.ends_run and state.run_wanted:
        return steps.broke(state, event.problem)
    problems = state.problems if event.problem in state.problems else (*state.problems, event.problem)[-MAX_PROBLEMS:]
    return replace(state, problems=problems)


def _problem_dismissed(state: ClusterState, event: events.ProblemDismissed) -> ClusterState:
    return replace(state, problems=tuple(problem for problem in state.problems if problem != event.problem))


def _answer_grew(state: ClusterState, event: events.AnswerGrew) -> ClusterState:
    return replace(state, answer=event.answer)


def _close_asked(state: ClusterState, event: events.CloseAsked) -> ClusterState:
    state = replace(reduce_run.stop_asked(state, events.StopAsked()), closing=True)
    if event.keep_running:
        return state
    return replace(state, processes=tuple(replace(process, keeps_running=False) for process in state.processes))


_HANDLERS: dict[type, Callable[[ClusterState, Any], ClusterState]] = {
    events.MachineLooked: reduce_inputs.machine_looked,
    events.LoadSampled: reduce_inputs.load_sampled,
    events.RuntimesFound: reduce_inputs.runtimes_found,
    events.ModelsListed: reduce_inputs.models_listed,
    events.RecentFilesListed: reduce_inputs.recent_files_listed,
    events.DocumentChanged: reduce_inputs.document_changed,
    events.SaveFailed: reduce_inputs.save_failed,
    events.ModelRead: reduce_inputs.model_read,
    events.ModelRefused: reduce_inputs.model_refused,
    events.ChoicesChanged: reduce_inputs.choices_changed,
    events.SpeedsMeasured: reduce_inputs.speeds_measured,
    events.LaunchAsked: reduce_run.launch_asked,
    events.TryAgainAsked: lambda state, _event: steps.try_again(state),
    events.GoBackAsked: lambda state, _event: steps.go_back(state),
    events.StopAsked: reduce_run.stop_asked,
    events.CloseAsked: _close_asked,
    events.RunPrepared: reduce_run.run_prepared,
    events.ApiPlaceChosen: reduce_run.api_place_chosen,
    events.ApiWasOpened: reduce_run.api_was_opened,
    events.ProcessStarted: reduce_run.process_started,
    events.ProcessReady: reduce_run.process_ready,
    events.ProcessStopping: reduce_run.process_stopping,
    events.ProcessEnded: reduce_run.process_ended,
    events.LayersReported: reduce_run.layers_reported,
    events.BuffersReported: reduce_run.buffers_reported,
    events.PipelineReported: reduce_run.pipeline_reported,
    events.LoadProgressed: reduce_run.load_progressed,
    events.ThroughputMeasured: reduce_run.throughput_measured,
    events.BenchmarkDone: reduce_run.benchmark_done,
    events.Compared: reduce_history.compared,
    events.HistoryRead: reduce_history.history_read,
    events.RunRecorded: reduce_history.run_recorded,
    events.AnswerGrew: _answer_grew,
    events.ActivityProgressed: _activity_progressed,
    events.ActivityEnded: _activity_ended,
    events.ProblemHappened: _problem_happened,
    events.ProblemDismissed: _problem_dismissed,
    remote_events.MachineTurned: reduce_remote.machine_turned,
    remote_events.RemoteLooked: reduce_remote.remote_looked,
    remote_events.LinkMeasured: reduce_remote.link_measured,
    remote_events.MachineForgotten: reduce_remote.machine_forgotten,
    remote_events.FindingProgressed: reduce_remote.finding_progressed,
    remote_events.TunnelCarried: reduce_remote.tunnel_carried,
}
