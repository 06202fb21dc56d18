"""The primary button, the status line, the progress and the banners: what is going on and what can be done.

The button carries the verb for the state there is. While workers start or the model loads it says how far that is, and
stops it when pressed. Rejected: separate Launch and Stop buttons (one of them is always dead).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, ProcessSeen, RunPhase, RuntimePhase
from engine.session.working.machines.give_runtime import copy_activity
from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.running.process import ProcessPhase
from gui.texts.translation import tr
from gui.what_to_show.formatting import bytes_of_bytes_text, bytes_text, count_text, percent_text
from gui.what_to_show.remote.api_access_content import api_exposure_text

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

    problem: Problem
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
        curl="" if url is None else curl_example(url, with_key=state.api_place.key_on_loopback),
        right=right,
        right_role=right_role,
        progress=_progress_of(state),
        banners=tuple(banner for banner in banners_of(state.problems) if banner.happened != _told_above(state)),
    )


def _told_above(state: ClusterState) -> str | None:
    """What the recovery's own strip says needs no banner."""
    return state.recovery.happened if state.recovery.goes_on and not state.closing else None


def curl_example(api_url: str, *, with_key: bool = False) -> str:
    """A request that works when it is pasted into a shell; ``with_key``: in one whose variable has the API key."""
    body = '{"messages": [{"role": "user", "content": "Hello"}]}'
    key = ' -H "Authorization: Bearer $CROSSPLY_API_KEY"' if with_key else ""
    return f"curl {api_url}/v1/chat/completions{key} -H 'Content-Type: application/json' -d '{body}'"


def primary_button_of(state: ClusterState) -> PrimaryButtonContent:
    """The verb for the state there is."""
    if state.closing or state.run_phase is RunPhase.STOPPING or _is_being_cleared(state):
        return PrimaryButtonContent(
            text=tr("Stopping…"), action="none", enabled=False, words=tr("Waiting for the processes to end")
        )
    if state.run_phase is RunPhase.STARTING_WORKERS:
        return _stop_button(tr("Starting…"), tr("The workers are starting. Press to stop them."))
    if state.run_phase is RunPhase.LOADING_MODEL:
        return _stop_button(_loading_text(state), tr("The model is being loaded. Press to stop everything."))
    if state.run_phase is RunPhase.READY:
        return _stop_button(
            tr("Stop"), tr("Stop llama-server and {workers} (Ctrl+.)", workers=count_text(n_workers_running(state), "worker"))
        )
    if state.run_phase is RunPhase.RECOVERING:
        return _stop_button(tr("Stop"), tr("The run broke and is being brought back. Press to leave it stopped."))
    if state.run_wanted and state.run_phase is RunPhase.STOPPED:
        return _stop_button(tr("Starting…"), tr("The start is being prepared. Press to stop it."))
    why = why_not_launch(state)
    if why:
        return PrimaryButtonContent(text=tr("Launch"), action="none", enabled=False, words=why)
    return PrimaryButtonContent(
        text=tr("Launch"), action="launch", enabled=True, words=tr("Start the workers and llama-server as planned (Ctrl+L)")
    )


def _is_being_cleared(state: ClusterState) -> bool:
    """A run that failed, and what is left of it: a launch waits for its end."""
    return state.run_phase is RunPhase.FAILED and not state.run_wanted and is_running(state)


def _stop_button(text: str, words: str) -> PrimaryButtonContent:
    return PrimaryButtonContent(text=text, action="stop", enabled=True, words=words)


def _loading_text(state: ClusterState) -> str:
    load = None if state.run is None else state.run.load
    return tr("Loading…") if load is None else tr("Loading {percent}", percent=percent_text(load.fraction))


def why_not_launch(state: ClusterState) -> str:
    """Why Launch cannot be pressed, as one sentence; empty when it can."""
    if state.runtime_phase is RuntimePhase.LOOKING:
        return tr("Still looking for the llama.cpp programs.")
    if state.runtime_phase is RuntimePhase.INSTALLING:
        return tr("The llama.cpp programs are being built.")
    if state.runtime_phase is RuntimePhase.MISSING:
        return tr("There are no llama.cpp programs on this machine yet.")
    if isinstance(state.plan, PlanRefused):
        reason = state.plan.reasons[0] if state.plan.reasons else tr("no plan fits.")
        return tr("The plan was refused: {reason}", reason=reason)
    if state.model_problem is not None:
        return state.model_problem.happened
    if state.choices.model_path is None:
        return tr("No model is chosen.")
    return "" if isinstance(state.plan, Plan) else tr("The plan is not made yet.")


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
        return tr("Stopping {workers} before closing…", workers=count_text(n_workers_running(state), "worker")), "text"
    if state.run is not None and state.run_phase is RunPhase.READY:
        return tr(
            "Serving {name} at {api_url} (OpenAI-compatible)", name=state.run.plan.model.name, api_url=state.run.api_url
        ), "text"
    if state.run_phase is RunPhase.STARTING_WORKERS and state.run is not None and not state.run.servers:
        return tr("llama-server is starting; it uses this machine's devices itself"), "text"
    if state.run_phase is RunPhase.STARTING_WORKERS:
        servers = [process for process in state.processes if process.worker_ids]
        ready = [process for process in servers if process.phase is ProcessPhase.READY]
        return tr(
            "{ready} of {rpc_servers} ready", ready=len(ready), rpc_servers=count_text(len(servers), "rpc-server")
        ), "text"
    if state.run_phase is RunPhase.LOADING_MODEL:
        return tr("llama-server is loading the model onto the workers"), "text"
    if state.run_phase is RunPhase.RECOVERING:
        return tr("The run broke; what is done about it is above"), "warning"
    if state.run_phase is RunPhase.STOPPING:
        return tr("Stopping…"), "text"
    if state.run_phase is RunPhase.FAILED:
        return tr("The last run failed; what happened is above"), "bad"
    why = why_not_launch(state)
    return (tr("Not running. {why}", why=why), "muted") if why else (tr("Not running. Ready to launch."), "text")


def _exposure_of(state: ClusterState, rate: float | None) -> tuple[str, str]:
    hosts = [] if state.run is None else [server.host for server in state.run.servers]
    if state.run is not None:
        hosts.append(state.run.api_url.partition("://")[2].rpartition(":")[0])
    open_hosts = sorted({host for host in hosts if not host.startswith(_LOOPBACK)})
    if open_hosts:
        return tr(
            "Listening on the network at {addresses}: anyone there can use it", addresses=", ".join(open_hosts)
        ), "warning"
    api = api_exposure_text(state)
    if api is not None:
        return api, "warning"
    n_tunnels = 0 if state.run is None or not is_running(state) else len(state.run.tunnels)
    parts = [tr("Nothing listens off this machine")]
    if n_tunnels:
        parts.append(count_text(n_tunnels, "tunnel"))
    if n_tunnels and rate is not None and rate >= _LEAST_RATE:
        parts.append(tr("{rate}/s sent", rate=bytes_text(round(rate))))
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
                title=tr("Loading the model"),
                detail="" if load is None else bytes_of_bytes_text(load.done_bytes, load.total_bytes),
                fraction=None if load is None else load.fraction,
                can_cancel=False,
            )
        )
    return tuple(shown)


def banners_of(problems: tuple[Problem, ...]) -> tuple[BannerContent, ...]:
    """A banner per problem, the newest first."""
    return tuple(
        BannerContent(problem=problem, happened=problem.happened, advice=problem.advice, details=problem.details)
        for problem in reversed(problems)
    )
