"""Why something cannot be done now: one sentence, empty when it can. Shown in the palette and in menus' tooltips."""

from __future__ import annotations

from engine.session.plan_runs.in_background import MEASURE_PLANS
from engine.session.state import ClusterState, RunPhase, RuntimePhase
from engine.vocabulary.plan import Plan
from gui.texts.translation import tr
from gui.what_to_show.cards.remote_card_content import in_need_of_ours
from gui.what_to_show.remote.questions_content import questions_of
from gui.what_to_show.status_content import is_running, primary_button_of, why_not_launch


def change(state: ClusterState) -> str:
    """Change what a run was launched with."""
    if state.closing:
        return tr("Crossply is closing.")
    return tr("The cluster is running: stop it first.") if state.run_wanted else ""


def launch(state: ClusterState) -> str:
    """Start."""
    action = primary_button_of(state).action
    if action == "launch":
        return ""
    return (
        tr("It is running already.") if action == "stop" else why_not_launch(state) or tr("Waiting for the processes to end.")
    )


def stop(state: ClusterState) -> str:
    """Stop."""
    if primary_button_of(state).action == "stop":
        return ""
    return tr("It is being stopped.") if is_running(state) else tr("Nothing is running.")


def serve(state: ClusterState) -> str:
    """Use the running server."""
    serving = state.run is not None and state.run_phase is RunPhase.READY
    return "" if serving else tr("No model is being served: launch first.")


def measure(state: ClusterState) -> str:
    """Measure the workers."""
    if state.runtime_phase is not RuntimePhase.READY or not state.offers:
        return tr("There are no llama.cpp programs or no workers yet.")
    if state.model is None:
        return tr("No model is chosen.")
    if any(activity.id == MEASURE_PLANS for activity in state.activities):
        return tr("Plans are being measured.")
    return change(state)


def measure_plans(state: ClusterState) -> str:
    """Run the best plans."""
    return measure(state) or ("" if isinstance(state.plan, Plan) else why_not_launch(state))


def answer(state: ClusterState) -> str:
    """Answer questions."""
    return "" if questions_of(state) else tr("No machine has a question.")


def build(state: ClusterState) -> str:
    """Build llama.cpp on this machine."""
    if state.runtime_phase is RuntimePhase.INSTALLING:
        return tr("It is being built.")
    if state.runtime_phase is RuntimePhase.LOOKING:
        return tr("Still looking for the llama.cpp programs.")
    return "" if state.runtime_phase is RuntimePhase.MISSING else tr("This machine has llama.cpp programs.")


def copy_to_all(state: ClusterState) -> str:
    """Give machines our build."""
    return "" if in_need_of_ours(state) else tr("No machine needs this machine's llama.cpp.")


def copy_commands(state: ClusterState) -> str:
    """Copy command lines."""
    return "" if state.commands else tr("There is no plan that could be run, so there are no commands.")
