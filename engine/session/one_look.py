"""One look at everything, without a thread: for commands that only report (``node``, ``plan``, ``doctor``)."""

from __future__ import annotations

from engine.session import events
from engine.session.administration.kept_to_policy import kept_to
from engine.session.outside import Outside
from engine.session.reducing.reduce import reduce
from engine.session.state import Choices, ClusterState
from engine.session.working.machines import look
from engine.session.working.measured import calibrate, record_run


def look_once(outside: Outside, choices: Choices) -> ClusterState:
    """The state after looking at runtimes, machine and model, with stored speeds and a plan; kept to the administrator's
    policy, as in a session."""
    choices = kept_to(outside.policy, choices)
    found: list[events.Event] = []
    look.look_at_everything(outside, choices.runtime_folder, found.append)
    if choices.model_path is not None:
        look.read_model(outside, choices.model_path, found.append)
    state = ClusterState(choices=choices, policy=outside.policy)
    for event in found:
        state = reduce(state, event)
    speeds = calibrate.stored_speeds(outside, state)
    found = [events.SpeedsMeasured(speeds=speeds)] if speeds else []
    if state.model is not None:
        record_run.read_history(outside, state, found.append)
    for event in found:
        state = reduce(state, event)
    return state
