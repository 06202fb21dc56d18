"""Waits until the remote machines of a command are there: connected, questions answered, a build copied if that is wanted.

A machine that the command names and that cannot be had ends the command: going on without it would be another plan than the
one asked for. ``doctor`` reports it instead.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.cli.terminal.answers import AnswerNeeded, Answers
from engine.cli.terminal.foreground import Foreground, in_foreground
from engine.cli.terminal.output import complain, printable, say
from engine.errors import BadInput, LoginRefused, RemoteProblem
from engine.session.administration.kept_to_policy import overruled
from engine.session.one_look import look_once
from engine.session.outside import Outside
from engine.session.remotes import RemoteSeen
from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from engine.vocabulary.remote import Question, RemotePhase, SshTarget
from engine.vocabulary.worker import WorkerOffer

LOOKED_AT = frozenset({RemotePhase.READY, RemotePhase.NO_RUNTIME})
_ENDS = frozenset({RemotePhase.READY, RemotePhase.NO_RUNTIME, RemotePhase.REFUSED})


def looked_once(outside: Outside, choices: Choices) -> ClusterState:
    """One look at this machine alone; what the administrator's policy overrules is said, as a session says it."""
    for sentence in overruled(outside.policy, choices):
        say(sentence)
    return look_once(outside, choices)


@contextmanager
def looking_foreground(outside: Outside, choices: Choices) -> Iterator[Foreground]:
    """A session that nobody else sees, for commands that only look; its machines are let go of at the end."""
    session = Session(outside, choices)
    session.start()
    with in_foreground(session) as foreground:
        yield foreground


@dataclass
class Gathering:
    """One wait for all machines of a command."""

    foreground: Foreground
    accepted: tuple[str, ...] = ()
    wait_seconds: float = 20.0
    copy_runtime: bool = False
    enough: frozenset[RemotePhase] = frozenset({RemotePhase.READY})
    """Phases in which a machine is as it must be."""
    tolerant: bool = False
    """Report instead of raising."""
    _answered: dict[SshTarget, Question] = field(default_factory=dict)
    _copied_from: dict[SshTarget, RemoteSeen] = field(default_factory=dict)
    _given_up: set[SshTarget] = field(default_factory=set)
    _ends_at: float = 0.0

    def run(self) -> ClusterState:
        """The state in which every machine is settled. Raises ``RemoteProblem``, ``AnswerNeeded``, ``Interrupted``."""
        answers = Answers(self.foreground.session, self.accepted)
        self._begin_wait()
        while True:
            state = self.foreground.wait_for(self._needs_something, "Connecting to the machines")
            asking = self._asking(state)
            if asking is not None:
                self._answer(answers, *asking)
            elif not self._copy(state):
                return self._judged(state)

    def _needs_something(self, state: ClusterState) -> bool:
        if self._asking(state) is not None or self._to_copy(state):
            return True
        if any(seen.phase is RemotePhase.COPYING for seen in state.remotes):
            self._begin_wait()
            return False
        return all(self._is_settled(state, target) for target in state.choices.targets) or time.monotonic() >= self._ends_at

    def _begin_wait(self) -> None:
        self._ends_at = time.monotonic() + self.wait_seconds

    def _is_settled(self, state: ClusterState, target: SshTarget) -> bool:
        seen = _seen(state, target)
        if target in self._given_up:
            return True
        if seen.phase not in _ENDS or seen is self._copied_from.get(target):
            return False
        compared = state.runtime is None or seen.look is None or seen.looked_for_runtime == state.runtime.id
        return seen.phase is RemotePhase.REFUSED or compared

    def _asking(self, state: ClusterState) -> tuple[SshTarget, Question] | None:
        for seen in state.remotes:
            question = seen.question
            if seen.phase is not RemotePhase.ASKING or question is None or seen.target in self._given_up:
                continue
            if question is not self._answered.get(seen.target):
                return seen.target, question
        return None

    def _answer(self, answers: Answers, target: SshTarget, question: Question) -> None:
        self._answered[target] = question
        try:
            answers.answer(target, question)
        except (AnswerNeeded, LoginRefused) as error:
            if not self.tolerant:
                raise
            say(str(error))
            self._given_up.add(target)
        self._begin_wait()

    def _to_copy(self, state: ClusterState) -> tuple[RemoteSeen, ...]:
        if not self.copy_runtime:
            return ()
        return tuple(
            seen
            for seen in state.remotes
            if seen.phase is RemotePhase.NO_RUNTIME
            and seen.target not in self._copied_from
            and self._is_settled(state, seen.target)
        )

    def _copy(self, state: ClusterState) -> bool:
        wanting = self._to_copy(state)
        for seen in wanting:
            self._copied_from[seen.target] = seen
            say(f"Copying llama.cpp to {printable(seen.name)}.")
            self.foreground.session.remotes.copy_runtime(seen.id)
        if wanting:
            self._begin_wait()
        return bool(wanting)

    def _judged(self, state: ClusterState) -> ClusterState:
        wanting = [seen for target in state.choices.targets if (seen := _seen(state, target)).phase not in self.enough]
        if self.tolerant or not wanting:
            return state
        *first, last = [why_not(seen, state, copying=self.copy_runtime) for seen in wanting]
        for problem in first:
            complain(problem.happened, problem.advice)
        raise last


def gathered(
    foreground: Foreground,
    arguments: argparse.Namespace,
    *,
    enough: frozenset[RemotePhase] = frozenset({RemotePhase.READY}),
    tolerant: bool = False,
) -> ClusterState:
    """Every machine that the command's options name, ready. Raises as ``Gathering.run``, and ``BadInput`` for a worker to be
    left out that is not there."""
    state = Gathering(
        foreground,
        accepted=tuple(arguments.accept_host_key),
        wait_seconds=arguments.wait_seconds,
        copy_runtime=getattr(arguments, "copy_runtime", False),
        enough=enough,
        tolerant=tolerant,
    ).run()
    if not tolerant:  # else a machine that is away may have it
        refuse_unknown_workers(arguments, state.offers)
    return state


def refuse_unknown_workers(arguments: argparse.Namespace, offers: Iterable[WorkerOffer]) -> None:
    """Raises ``BadInput`` when a worker is to be left out that is not there: by a slip of the pen it would take part."""
    known = [offer.id for offer in offers]
    for worker in getattr(arguments, "leave_out", ()):
        if worker not in known:
            advice = f"The workers are: {', '.join(known) or 'none'}."
            raise BadInput(f"There is no worker {worker} to leave out.", advice=advice)


def why_not(seen: RemoteSeen, state: ClusterState, *, copying: bool = False) -> RemoteProblem:
    """Why a machine cannot be worked with, in a sentence, and what to do."""
    name = printable(seen.name)
    if seen.problem is not None:
        return RemoteProblem(f"{name}: {printable(seen.problem.happened)}", advice=printable(seen.problem.advice))
    if seen.phase is RemotePhase.NO_RUNTIME:
        ours = f" ({state.runtime.label})" if state.runtime else ""
        reasons = [runtime.why_not_with_coordinator for runtime in seen.look.runtimes] if seen.look else []
        why = next((f": {printable(reason).rstrip('.')}" for reason in reasons if reason), "")
        advice = "" if copying else "Give --copy-runtime to copy ours there."
        return RemoteProblem(f"{name} has no llama.cpp that may work with ours{ours}{why}.", advice=advice)
    advice = "Give it more time with --wait-seconds, or leave it out."
    return RemoteProblem(f"{name} is not ready in time: {seen.phase.value}.", advice=advice)


def _seen(state: ClusterState, target: SshTarget) -> RemoteSeen:
    return next((seen for seen in state.remotes if seen.target == target), RemoteSeen(target=target))
