"""A session on the lab's desk, for what no command shows:
``python -m tests.end_to_end.lab.security.desk_session WHAT HOST ...``.

``link HOST`` prints the link that was measured; ``secrets HOST SECRET...`` answers each question with the next secret and
prints the questions and how it ended; ``load HOST MODEL`` loads a model onto one machine and prints what its card knew of it
at each moment; ``hold HOST MODEL`` reads the secrets as a JSON list from its standard input, loads the model, prints all that
the session would show to anybody, and goes on until its standard input ends. One JSON document on stdout.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from engine.open_session import open_session
from engine.remote_ports import Secret
from engine.session.remotes import RemoteSeen
from engine.session.session import Session
from engine.session.state import Choices, RunPhase
from engine.session.telling.as_json import state_json
from engine.settings.ssh_target import parse_target
from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.remote import RemotePhase, SecretQuestion
from gui.what_to_show.cards.launch_content import load_of_machine

LONGEST_SECONDS = 60.0
LOOKED_AT = (RemotePhase.READY, RemotePhase.NO_RUNTIME)
Found = TypeVar("Found")


def wait(session: Session, reached: Callable[[RemoteSeen], Found | None]) -> Found:
    """What ``reached`` finds in the one machine."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        remotes = session.snapshot().remotes
        found = reached(remotes[0]) if remotes else None
        if found is not None:
            return found
        time.sleep(0.05)
    raise TimeoutError(str(session.snapshot().remotes))


def link(session: Session) -> object:
    """Of the first machine."""
    measured = wait(session, lambda remote: remote.link)
    return {"bytes_per_second": measured.bytes_per_second, "rtt_seconds": measured.rtt_seconds}


def answer_all(session: Session, secrets: list[str]) -> object:
    """Each question with the next secret."""
    asked: list[object] = []
    for secret in secrets:
        before = asked[-1] if asked else None

        def question(remote: RemoteSeen, before: object = before) -> SecretQuestion | None:
            new = isinstance(remote.question, SecretQuestion) and remote.question is not before
            return remote.question if new else None

        found = wait(session, question)
        asked.append(found)
        answer = Secret(kind=found.kind, value=secret, prompt=found.prompt)
        session.remotes.answer_secret(session.snapshot().remotes[0].target, answer)
    ended = wait(session, lambda remote: remote.phase if remote.phase in (*LOOKED_AT, RemotePhase.REFUSED) else None)
    return {"asked": [[q.prompt, q.wrong_before] for q in asked if isinstance(q, SecretQuestion)], "ended": ended.value}


def load(session: Session, model: str) -> object:
    """Seconds since the load began, bytes sent, bytes in all, seconds left as the card says; and when it was ready."""
    machine = wait(session, lambda remote: remote if remote.phase is RemotePhase.READY and remote.link else None).id
    wait(session, lambda _: session.snapshot().offers or None)
    ours = frozenset(offer.id for offer in session.snapshot().offers if offer.machine_id != machine)
    session.choose(replace(session.snapshot().choices, model_path=model, left_out=ours))
    wait(session, lambda _: _only_on(session.snapshot().plan, machine))
    session.launch()
    wait(session, lambda _: session.snapshot().run_phase is RunPhase.LOADING_MODEL or None)
    began, seen = time.monotonic(), []
    while (state := session.snapshot()).run_phase is RunPhase.LOADING_MODEL and state.run is not None:
        now = load_of_machine(state, state.run, machine)
        seen.append([time.monotonic() - began, now.sent_bytes, now.size_bytes, now.seconds_left])
        time.sleep(0.1)
    return {"ended": state.run_phase.value, "seconds": time.monotonic() - began, "seen": seen}


def hold(session: Session, model: str) -> object:
    """Everything that can be seen of the session, as text."""
    asked = answer_all(session, json.loads(sys.stdin.readline()))
    loaded = load(session, model)
    state = session.snapshot()
    logs = [line.text for line in session.logs.since(0)]
    objects = [repr(value) for value in (state, session.chosen, session.remotes, vars(session))]
    return {"asked": asked, "loaded": loaded, "status": state_json(state), "logs": logs, "objects": objects}


def _only_on(plan: Plan | PlanRefused | None, machine: str) -> bool | None:
    return (isinstance(plan, Plan) and {worker.offer.machine_id for worker in plan.used_workers} == {machine}) or None


def main(what: str, host: str, *more: str) -> None:
    """Do it and print it."""
    session = open_session(Choices(targets=(parse_target(host),)))
    try:
        if what == "link":
            print(json.dumps(link(session)))
        elif what == "hold":
            print(json.dumps(hold(session, *more), default=repr), flush=True)
            sys.stdin.readline()
        else:
            print(json.dumps(load(session, *more) if what == "load" else answer_all(session, list(more))))
    finally:
        session.close()
        session.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
