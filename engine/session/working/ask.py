"""A question to the running coordinator; its answer grows in the state, ten times a second at most.

A stop is heard at the next piece of text; closing the stream then ends the generation in llama-server too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.errors import Cancelled, CoordinatorUnusable
from engine.ports import AnswerPiece, Clock, CoordinatorClient
from engine.session import events
from engine.session.jobs import Token
from engine.session.state import AnswerShown

ASK = "ask"
"""Key of the job: questions are answered one after another, and all of them are stopped by cancelling it."""

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
    answer = AnswerShown(prompt=prompt)
    asked_at = shown_at = clock.now_seconds()
    post(events.AnswerGrew(answer=answer))
    try:
        for piece in client.ask(prompt, max_tokens=max_tokens, chat=chat, temperature=temperature):
            token.check()
            now = clock.now_seconds()
            answer = _grown(answer, piece, now - asked_at)
            if now - shown_at >= SHOWN_EVERY_SECONDS:
                shown_at = now
                post(events.AnswerGrew(answer=answer))
    except Cancelled:
        post(events.AnswerGrew(answer=replace(answer, finished=True, stopped=True)))
        raise
    except CoordinatorUnusable as error:
        post(events.AnswerGrew(answer=replace(answer, finished=True, problem=str(error))))
        return
    post(events.AnswerGrew(answer=replace(answer, finished=True)))


def _grown(answer: AnswerShown, piece: AnswerPiece, seconds: float) -> AnswerShown:
    """``seconds``: since the question."""
    answer = replace(answer, timings=piece.timings or answer.timings)
    if not piece.text:
        return answer
    first = seconds if answer.first_piece_seconds is None else answer.first_piece_seconds
    return replace(
        answer,
        text=answer.text + piece.text,
        first_piece_seconds=first,
        n_pieces=answer.n_pieces + 1,
        pieces_seconds=seconds - first,
    )
