"""A session on the lab's desk, for what no command shows: ``python -m tests.end_to_end.lab.desk_session WHAT HOST ...``.

``link HOST`` prints the link that was measured; ``secrets HOST SECRET...`` answers each question with the next secret and
prints the questions and how it ended. One JSON document on stdout.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from engine.open_session import open_session
from engine.remote_ports import Secret
from engine.session.remotes import RemoteSeen
from engine.session.session import Session
from engine.session.state import Choices
from engine.settings.ssh_target import parse_target
from engine.vocabulary.remote import RemotePhase, SecretQuestion

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


def main(what: str, host: str, *secrets: str) -> None:
    """Do it and print it."""
    session = open_session(Choices(targets=(parse_target(host),)))
    try:
        print(json.dumps(link(session) if what == "link" else answer_all(session, list(secrets))))
    finally:
        session.close()
        session.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
