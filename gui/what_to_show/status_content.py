"""The primary button, the status line, the progress and the banners: what is going on and what can be done.

The button carries the verb for the state there is. While workers start or the model loads it says how far that is, and
stops it when pressed. Rejected: separate Launch and Stop buttons (one of them is always dead).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, ProcessSeen, RunPhase, RuntimePhase
from engine.session.working.give_runtime import copy_activity
from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.problem import Problem
from engine.vocabulary.process import ProcessPhase
from gui.what_to_show.formatting import bytes_of_bytes_text, bytes_text, count_text, percent_text

_LEAST_RATE = 500_000
"""Bytes per second that are worth a word: less is keep-alives, and would be shown as 0 MB/s."""
_LOOPBACK = ("127.", "localhost", "::1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryButtonContent:
    """``action`` is ``launch``, ``stop`` or ``none``."""

    text: str
    action: str
    enabled: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressContent:
    """One thing under way. ``fraction`` ``None`` = how far is not known."""

    id: str
    title: str
    detail: str
    fraction: float | None
    can_cancel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BannerContent:
    """One problem, inline."""

    index: int
    happened: str
    advice: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusContent:
    """Everything around the edges of the window."""

    button: PrimaryButtonContent
    left: str
    left_role: str
    api_url: str | None
    curl: str
    right: str
    right_role: str
    progress: tuple[ProgressContent, ...]
    banners: tuple[BannerContent, ...]


def status_of(state: ClusterState, sent_bytes_per_second: float | None = None) -> StatusContent:
    """The edges of the window. ``sent_bytes_per_second``: through all tunnels now; ``None`` = not known."""
    left, role = _left_of(state)
    right, right_role = _exposure_of(state, sent_bytes_per_second)
    serving = state.run is not None and state.run_phase is RunPhase.READY
    url = state.run.api_url if serving and state.run is not None else None
    return StatusContent(
        button=primary_button_of(state),
        left=left,
        left_role=role,
        api_url=url,
        curl="" if url is None else curl_example(url),
        right=right,
        right_role=right_role,
        progress=_progress_of(state),
        banners=banners_of(state.problems),
    )


def curl_example(api_url: str) -> str:
    """A request that works when it is pasted into a shell."""
    body = '{"messages": [{"role": "user", "content": "Hello"}]}'
    return f"curl {api_url}/v1/chat/completions -H 'Content-Type: application/json' -d '{body}'"


def primary_button_of(state: ClusterState) -> PrimaryButtonContent:
    """The verb for the state there is."""
    if state.closing or state.run_phase is RunPhase.STOPPING:
        return PrimaryButtonContent(text="Stopping…", action="none", enabled=False, words="Waiting for the processes to end")
    if state.run_phase is RunPhase.STARTING_WORKERS:
        return _stop_button("Starting…", "The workers are starting. Press to stop them.")
    if state.run_phase is RunPhase.LOADING_MODEL:
        return _stop_button(_loading_text(state), "The model is being loaded. Press to stop everything.")
    if state.run_phase is RunPhase.READY:
        return _stop_button("Stop", f"Stop llama-server and {count_text(n_workers_running(state), 'worker')} (Ctrl+.)")
    if state.run_wanted and state.run_phase is RunPhase.STOPPED:
        return _stop_button("Starting…", "The start is being prepared. Press to stop it.")
    why = why_not_launch(state)
    if why:
        return PrimaryButtonContent(text="Launch", action="none", enabled=False, words=why)
    return PrimaryButtonContent(
        text="Launch", action="launch", enabled=True, words="Start the workers and llama-server as planned (Ctrl+L)"
    )


def _stop_button(text: str, words: str) -> PrimaryButtonContent:
    return PrimaryButtonContent(text=text, action="stop", enabled=True, words=words)


def _loading_text(state: ClusterState) -> str:
    load = None if state.run is None else state.run.load
    return "Loading…" if load is None else f"Loading {percent_text(load.fraction)}"


def why_not_launch(state: ClusterState) -> str:
    """Why Launch cannot be pressed, as one sentence; empty when it can."""
    if state.runtime_phase is RuntimePhase.LOOKING:
        return "Still looking for the llama.cpp programs."
    if state.runtime_phase is RuntimePhase.INSTALLING:
        return "The llama.cpp programs are being built."
    if state.runtime_phase is RuntimePhase.MISSING:
        return "There are no llama.cpp programs on this machine yet."
    if isinstance(state.plan, PlanRefused):
        reason = state.plan.reasons[0] if state.plan.reasons else "no plan fits."
        return f"The plan was refused: {reason}"
    if state.model_problem is not None:
        return state.model_problem.happened
    if state.choices.model_path is None:
        return "No model is chosen."
    return "" if isinstance(state.plan, Plan) else "The plan is not made yet."


def n_workers_running(state: ClusterState) -> int:
    """Workers served by a process that is not gone: what closing the window would stop."""
    return sum(len(process.worker_ids) for process in _alive(state))


def is_running(state: ClusterState) -> bool:
    """Whether any process of ours is there."""
    return bool(_alive(state))


def _alive(state: ClusterState) -> list[ProcessSeen]:
    gone = (ProcessPhase.STOPPED, ProcessPhase.FAILED)
    return [process for process in state.processes if process.phase not in gone]


def _left_of(state: ClusterState) -> tuple[str, str]:
    if state.closing:
        return f"Stopping {count_text(n_workers_running(state), 'worker')} before closing…", "text"
    if state.run is not None and state.run_phase is RunPhase.READY:
        return f"Serving {state.run.plan.model.name} at {state.run.api_url} (OpenAI-compatible)", "text"
    if state.run_phase is RunPhase.STARTING_WORKERS and state.run is not None and not state.run.servers:
        return "llama-server is starting; it uses this machine's devices itself", "text"
    if state.run_phase is RunPhase.STARTING_WORKERS:
        servers = [process for process in state.processes if process.worker_ids]
        ready = [process for process in servers if process.phase is ProcessPhase.READY]
        return f"{len(ready)} of {count_text(len(servers), 'rpc-server')} ready", "text"
    if state.run_phase is RunPhase.LOADING_MODEL:
        return "llama-server is loading the model onto the workers", "text"
    if state.run_phase is RunPhase.STOPPING:
        return "Stopping…", "text"
    if state.run_phase is RunPhase.FAILED:
        return "The last run failed; what happened is above", "bad"
    why = why_not_launch(state)
    return (f"Not running. {why}", "muted") if why else ("Not running. Ready to launch.", "text")


def _exposure_of(state: ClusterState, rate: float | None) -> tuple[str, str]:
    hosts = [] if state.run is None else [server.host for server in state.run.servers]
    if state.run is not None:
        hosts.append(state.run.api_url.partition("://")[2].rpartition(":")[0])
    open_hosts = sorted({host for host in hosts if not host.startswith(_LOOPBACK)})
    if open_hosts:
        return f"Listening on the network at {', '.join(open_hosts)}: anyone there can use it", "warning"
    n_tunnels = 0 if state.run is None or not is_running(state) else len(state.run.tunnels)
    parts = ["Nothing listens off this machine"]
    if n_tunnels:
        parts.append(count_text(n_tunnels, "tunnel"))
    if n_tunnels and rate is not None and rate >= _LEAST_RATE:
        parts.append(f"{bytes_text(round(rate))}/s sent")
    return " · ".join(parts), "muted"


def _progress_of(state: ClusterState) -> tuple[ProgressContent, ...]:
    on_cards = {copy_activity(remote.id) for remote in state.remotes}
    shown = [
        ProgressContent(
            id=activity.id, title=activity.title, detail=activity.detail, fraction=activity.fraction, can_cancel=True
        )
        for activity in state.activities
        if activity.id not in on_cards
    ]
    if state.run_phase is RunPhase.LOADING_MODEL and state.run is not None:
        load = state.run.load
        shown.append(
            ProgressContent(
                id="load-model",
                title="Loading the model",
                detail="" if load is None else bytes_of_bytes_text(load.done_bytes, load.total_bytes),
                fraction=None if load is None else load.fraction,
                can_cancel=False,
            )
        )
    return tuple(shown)


def banners_of(problems: tuple[Problem, ...]) -> tuple[BannerContent, ...]:
    """A banner per problem, the newest first."""
    return tuple(
        BannerContent(index=index, happened=problem.happened, advice=problem.advice, details=problem.details)
        for index, problem in reversed(tuple(enumerate(problems)))
    )
