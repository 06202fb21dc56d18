"""Tells in a terminal what becomes of a run that broke, and asks whether to go on where that is wanted.

The fault itself is a problem and told as every problem is; here are the sentences about what is done and what it cost.
"""

from __future__ import annotations

import select
import sys
from typing import Protocol

from engine.cli.terminal.output import say
from engine.errors import ProcessFailed
from engine.session.recovering.told import question, what_goes_on, what_is_there_again, what_it_cost
from engine.session.state import ClusterState
from engine.vocabulary.running.recovery import Recovery, RecoveryStep


class Answered(Protocol):
    """The part of ``Session`` that is told the answer."""

    def try_again(self) -> None:
        """Go on."""

    def stop(self) -> None:
        """Stop everything."""


class RecoveryNews:
    """Each sentence once."""

    def __init__(self) -> None:
        self._sentence = ""
        self._told = Recovery()
        self._asked = False
        self._there_again = ""

    def tell(self, state: ClusterState, session: Answered) -> None:
        """What is new since the last call. Raises ``ProcessFailed`` when there is a question and nobody to answer it."""
        recovery = state.recovery
        stops = recovery.step is RecoveryStep.STOPPING and recovery.fault is not None  # its problem was told just now
        sentence = "" if stops else what_goes_on(state)
        asks = recovery.step is RecoveryStep.ASKING
        if sentence and sentence != self._sentence and not asks:
            say(sentence)
        self._sentence = sentence
        self._tell_cost(recovery)
        there_again = what_is_there_again(state)
        if there_again and there_again != self._there_again:
            say(there_again)
        self._there_again = there_again
        if asks:
            self._ask(state, session)
        self._asked = asks

    def _tell_cost(self, recovery: Recovery) -> None:
        before, self._told = self._told, recovery
        history = recovery.history
        if not history:
            return
        if recovery.n_recovered != before.n_recovered:
            say(what_it_cost(history[-1]))
        elif history[-1].after_is_measured and not before.history[-1].after_is_measured:
            say(f"Measured meanwhile: {what_it_cost(history[-1])}")

    def _ask(self, state: ClusterState, session: Answered) -> None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise ProcessFailed(
                f"{state.recovery.happened} Whether to go on is asked (--recovery ask), and there is no terminal to ask on.",
                advice="Use --recovery automatic where nobody sits.",
            )
        if not self._asked:
            sys.stderr.write(f"{question(state)}? (yes = go on, no = stop) ")
            sys.stderr.flush()
        if not select.select([sys.stdin], [], [], 0)[0]:
            return
        word = sys.stdin.readline().strip().lower()
        if word == "yes":
            session.try_again()
        elif word == "no":
            session.stop()
        else:
            sys.stderr.write("Please type yes or no: ")
            sys.stderr.flush()
