"""One trial: start Crossply, bring it to a phase, break one thing, watch from outside until it serves again or gives up."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace

from tests.faults.beds.bed import LONG_ANSWER_TOKENS, LONG_PROMPT_WORDS, Bed, coordinator_of
from tests.faults.beds.running_app import LOOK_SECONDS, NotReached, RunningApp
from tests.faults.breaking.break_it import Broken
from tests.faults.breaking.what_breaks import SERVICE_SLACK_SECONDS, Cause, Expected, Phase
from tests.faults.clients.client import Client, asking, first_answer, holding, n_tokens
from tests.faults.judging.judge import Seen, Trial, judged

PATIENCE_SECONDS = 30.0
"""Of a probing request. A user's may wait for longer: the address answers, or says when to come back."""
GRACE_SECONDS = 15.0
"""Watched for so much longer than is allowed, to tell late from never."""
UNDISTURBED_SECONDS = 3.0
LEFT_SECONDS = 5.0
IDLE_SECONDS = 1.0
GIVES_UP = ("failed", "stopped")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Of one trial."""

    number: int
    """For the names of its files."""
    load_seconds: float | None
    """Of a load without a fault on this bed; ``None`` = the trial's own first load tells."""
    loading_span_seconds: float = 0.5
    """Within which a fault during loading happens, from llama-server's start on."""


def run_trial(bed: Bed, cause: Cause, phase: Phase, draw: random.Random, conditions: Conditions) -> Trial:
    """Do it. What goes wrong with the trial itself is in the answer, too."""
    began = time.monotonic()
    place = ""
    seen = Seen(detected_seconds=None, served_seconds=None, ended_seconds=None, load_seconds=0.0, told=())
    try:
        with bed.start(conditions.number) as app, ExitStack() as stack:
            bed.slow_loading(slow=phase is Phase.LOADING)
            held = _bring_to(phase, bed, app, draw, conditions, stack)
            own_load = app.state.get("ready_after_seconds")
            load = conditions.load_seconds if own_load is None else float(own_load)
            before = app.measured_decode()
            broken = cause.break_it(bed, draw, stack)
            _check_phase(phase, app, held, broken)
            bed.slow_loading(slow=False)
            place = broken.place
            seen = _watched(bed, app, cause, phase, broken, replace(conditions, load_seconds=load))
            seen = replace(seen, decode_before=before)
            if app.is_alive:
                app.end()
        seen = replace(seen, left=_left(bed))
    except NotReached as problem:
        seen = replace(seen, trouble=str(problem))
    finally:
        bed.restore()
    return judged(cause, phase, place, replace(seen, seconds=time.monotonic() - began))


def load_without_fault(bed: Bed, number: int) -> float:
    """Seconds from the start of the workers to ready, the second time: caches and copies are made the first time."""
    seconds = 0.0
    for again in (0, 1):
        with bed.start(number + again) as app:
            app.wait_until_serving()
            seconds = float(app.state["ready_after_seconds"])
            app.end()
    return seconds


def _bring_to(
    phase: Phase, bed: Bed, app: RunningApp, draw: random.Random, conditions: Conditions, stack: ExitStack
) -> Client | None:
    if phase is Phase.LOADING:
        app.wait(lambda app: _loads(bed, app), 60, "llama-server was started")
        time.sleep(draw.uniform(0.02, conditions.loading_span_seconds))
        app.look()
        return None
    app.wait_until_serving()
    if phase is Phase.IDLE:
        time.sleep(draw.uniform(0.2, IDLE_SECONDS))
        app.look()
        return None
    words, tokens = (LONG_PROMPT_WORDS, 1) if phase is Phase.PREFILL else (4, LONG_ANSWER_TOKENS)
    log = bed.folder / f"held-{conditions.number}"
    held = stack.enter_context(holding(bed.prefix, log, app.url, words=words, tokens=tokens))
    if phase is Phase.PREFILL:
        app.wait(lambda _: held.look(), 10, "a long prompt was sent")
        time.sleep(draw.uniform(0.1, 0.6))
    else:
        app.wait(lambda _: n_tokens(held) > draw.randint(2, 12), 20, "an answer has begun")
    return held


def _loads(bed: Bed, app: RunningApp) -> bool:
    if not app.is_alive:
        raise NotReached(f"it ended with {app.process.returncode}: {app.said[-600:]}")
    return coordinator_of(bed.own_processes()) is not None


def _check_phase(phase: Phase, app: RunningApp, held: Client | None, broken: Broken) -> None:
    """Whether the fault fell into the phase that it was meant for."""
    if phase is Phase.LOADING and any(name == "ready" and at < broken.at_seconds for at, name in app.phases):
        raise NotReached("it had loaded before the fault came")
    lines = held.look() if held is not None else []
    if any("ended" in line and line["ended"] < broken.at_seconds for line in lines):
        raise NotReached("the request was over before the fault came")
    tokens = [line for line in lines if "token" in line and line["token"] < broken.at_seconds]
    if phase is Phase.PREFILL and tokens:
        raise NotReached("the prompt was read before the fault came")


def _watched(bed: Bed, app: RunningApp, cause: Cause, phase: Phase, broken: Broken, conditions: Conditions) -> Seen:
    """Until it serves again, gives up, or is too late."""
    load = conditions.load_seconds or 0.0
    limit = cause.detection_limit_seconds
    patience = limit + load + SERVICE_SLACK_SECONDS + GRACE_SECONDS
    if cause.expected is Expected.UNDISTURBED:
        patience = load + UNDISTURBED_SECONDS + SERVICE_SLACK_SECONDS
    later = broken.later
    client: Client | None = None
    served = ended = missing = None
    with ExitStack() as stack:
        while (now := time.monotonic()) < broken.at_seconds + patience and served is None and ended is None:
            app.look()
            if later is not None and now >= broken.at_seconds + later.after_seconds:
                later.do()
                later = None
            told = app.told_since(broken.at_seconds)
            may_ask = bool(told) or phase is not Phase.IDLE or now > broken.at_seconds + limit
            if client is None and may_ask and _address(app):
                log = bed.folder / f"asked-{conditions.number}"
                client = asking(bed.prefix, log, _address(app), patience_seconds=PATIENCE_SECONDS, pause_seconds=0.02)
                stack.enter_context(client)
            served = first_answer(client, broken.at_seconds) if client is not None else None
            ended = now if not app.is_alive or _gave_up(app, broken) else None
            missing = missing or (now if app.missing else None)
            if missing is not None and now > broken.at_seconds + patience - GRACE_SECONDS:
                break  # it waits for what it named; nothing will come back here
            time.sleep(LOOK_SECONDS)
        _hear_the_rest(app, cause, broken, served)
        exposed = tuple(bed.exposed())
    told = app.told_since(broken.at_seconds)
    ended = ended or missing
    return Seen(
        detected_seconds=told[0].at_seconds - broken.at_seconds if told else None,
        served_seconds=None if served is None else served - broken.at_seconds,
        ended_seconds=None if ended is None else ended - broken.at_seconds,
        load_seconds=load,
        told=tuple(one.text for one in told),
        decode_after=app.measured_decode(),
        exposed=exposed,
    )


def _address(app: RunningApp) -> str:
    """The user's; during a first load it is in the status as soon as ports were found."""
    return app.url or str(app.state.get("api_url") or "")


def _gave_up(app: RunningApp, broken: Broken) -> bool:
    """It lives on and says that it is over."""
    at, phase = app.phases[-1] if app.phases else (0.0, "")
    return phase in GIVES_UP and at > broken.at_seconds


def _hear_the_rest(app: RunningApp, cause: Cause, broken: Broken, served: float | None) -> None:
    """What it cost is told a moment after the service is back; a fault that disturbs nothing is given time to disturb."""
    until = time.monotonic() + 1.0
    if served is not None and cause.expected is Expected.UNDISTURBED:
        until = broken.at_seconds + UNDISTURBED_SECONDS
    while time.monotonic() < until:
        app.look()
        time.sleep(LOOK_SECONDS)


def _left(bed: Bed) -> tuple[str, ...]:
    """After at most ``LEFT_SECONDS``."""
    deadline = time.monotonic() + LEFT_SECONDS
    while left := bed.left():
        if time.monotonic() > deadline:
            return tuple(left)
        time.sleep(0.05)
    return ()
