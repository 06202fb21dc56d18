"""A session that says when what happened, for tests that break something:
``python -m tests.end_to_end.breaking.fault_session MODEL``.

Options: ``--machine HOST`` (again and again; our runtime is copied there), ``--keep-running``, ``--decode`` (once it serves, a
question whose answer takes long). It launches, and prints one JSON object per line with ``at``, seconds of the system's
monotonic clock, which all processes share: ``phase`` (with the processes) at every change, ``decoding`` once tokens come,
``fault`` with the problem and all that is known of it. Ends at the end of its standard input.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import sys
import threading
import time
import urllib.request

from engine.open_session import open_session
from engine.session.session import Session
from engine.session.state import Choices, ClusterState, RunPhase
from engine.session.telling.as_json import state_json
from engine.settings.ssh_target import parse_target
from engine.vocabulary.plan import Plan, Policy, RunShape
from engine.vocabulary.remote import RemotePhase
from engine.vocabulary.running.fault import FaultCause

LONGEST_SECONDS = 120.0
LOOK_SECONDS = 0.01
LONG_ANSWER_TOKENS = 3000


def say(**what: object) -> None:
    """One line."""
    print(json.dumps({"at": time.monotonic(), **what}), flush=True)


def wait_for_plan(session: Session, n_machines: int) -> None:
    """Until every machine is ready (given our runtime if it has none) and there is a plan over all of them."""
    deadline, copied = time.monotonic() + LONGEST_SECONDS, set()
    while time.monotonic() < deadline:
        state = session.snapshot()
        for remote in state.remotes:
            if remote.phase is RemotePhase.NO_RUNTIME and remote.id not in copied:
                copied.add(remote.id)
                session.remotes.copy_runtime(remote.id)
        ready = [remote for remote in state.remotes if remote.phase is RemotePhase.READY and remote.link]
        if len(ready) == n_machines and len(_machines(state)) == n_machines + 1 and isinstance(state.plan, Plan):
            return
        time.sleep(0.05)
    raise TimeoutError(str((session.snapshot().remotes, session.snapshot().plan)))


def _machines(state: ClusterState) -> set[str]:
    return {offer.machine_id for offer in state.offers}


def follow(session: Session, decode: bool, ended: threading.Event) -> None:
    """Print what happens until ``ended``."""
    phase, n_faults, asked = None, 0, False
    while not ended.wait(LOOK_SECONDS):
        state = session.snapshot()
        faults = [problem for problem in state.problems if problem.fault is not None]
        if len(faults) > n_faults and faults[-1].fault.cause is not FaultCause.PORT_TAKEN:
            say(fault=state_json(state)["problems"][state.problems.index(faults[-1])])
        n_faults = len(faults)
        if state.run_phase is not phase:
            phase = state.run_phase
            say(phase=phase.value, processes=state_json(state)["processes"])
        if decode and not asked and phase is RunPhase.READY and state.run is not None and state.run.benchmark is not None:
            asked = True
            threading.Thread(target=ask_for_long, args=(state.run.api_url,), daemon=True).start()
        if phase is RunPhase.FAILED and faults and faults[-1].fault.cause is FaultCause.PORT_TAKEN:
            session.launch()  # another test took it between the look and the start


def ask_for_long(api_url: str) -> None:
    """An answer that does not end by itself, read as it comes."""
    body = {"prompt": "Once", "n_predict": LONG_ANSWER_TOKENS, "ignore_eos": True, "stream": True}
    with (
        contextlib.suppress(OSError, http.client.HTTPException),
        urllib.request.urlopen(f"{api_url}/completion", json.dumps(body).encode(), timeout=LONGEST_SECONDS) as answer,
    ):
        for number, line in enumerate(answer):
            if number == 5:
                say(decoding=True)
            elif not line:
                return


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--machine", action="append", default=[])
    parser.add_argument("--keep-running", action="store_true")
    parser.add_argument("--decode", action="store_true")
    arguments = parser.parse_args()
    targets = tuple(parse_target(name) for name in arguments.machine)
    choices = Choices(
        model_path=arguments.model,
        policy=Policy.EVEN,
        cpu_workers=2,
        api_port=8090,
        shape=RunShape(context_tokens=4096),
        targets=targets,
        keep_running=arguments.keep_running,
        left_out=frozenset({"this-machine/vulkan:0"} | ({"this-machine/cpu-0", "this-machine/cpu-1"} if targets else set())),
    )
    session = open_session(choices)
    ended = threading.Event()
    try:
        wait_for_plan(session, len(targets))
        session.launch()
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
        follow(session, arguments.decode, ended)
    finally:
        session.close(keep_running=False)
        session.join()


if __name__ == "__main__":
    main()
