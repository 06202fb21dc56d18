"""A question to the running coordinator; its answer grows in the state, ten times a second at most."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import Cancelled, CoordinatorUnusable
from engine.ports import Clock, CoordinatorClient
from engine.session import events
from engine.session.jobs import Token
from engine.session.state import AnswerShown
from engine.vocabulary.throughput import RequestTimings

SHOWN_EVERY_SECONDS = 0.1


def ask(
    client: CoordinatorClient,
    prompt: str,
    max_tokens: int,
    *,
    chat: bool,
    temperature: float | None,
    clock: Clock,
    post: Callable[[events.Event], None],
    token: Token,
) -> None:
    """Stream the answer into ``AnswerGrew`` events; the last one is ``finished``."""
    text, timings = "", None
    shown_at = clock.now_seconds()
    post(events.AnswerGrew(answer=AnswerShown(prompt=prompt)))
    try:
        for piece in client.ask(prompt, max_tokens=max_tokens, chat=chat, temperature=temperature):
            token.check()
            text += piece.text
            timings = piece.timings or timings
            if clock.now_seconds() - shown_at >= SHOWN_EVERY_SECONDS:
                shown_at = clock.now_seconds()
                post(events.AnswerGrew(answer=AnswerShown(prompt=prompt, text=text)))
    except Cancelled:
        post(events.AnswerGrew(answer=AnswerShown(prompt=prompt, text=text, finished=True, problem="Cancelled.")))
        raise
    except CoordinatorUnusable as error:
        post(events.AnswerGrew(answer=AnswerShown(prompt=prompt, text=text, finished=True, problem=str(error))))
        return
    post(events.AnswerGrew(answer=_finished(prompt, text, timings)))


def _finished(prompt: str, text: str, timings: RequestTimings | None) -> AnswerShown:
    return AnswerShown(prompt=prompt, text=text, finished=True, timings=timings)
