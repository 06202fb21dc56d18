"""Questions of remote machines, answered: by an option that names the very fingerprint, or by a person at a terminal.

There is no answer for "any key": who accepts every key logs in to whoever answers. Without a terminal a question ends the
command. Prompts go to stderr, because stdout may belong to a JSON document. Ctrl-C ends a prompt.
"""

from __future__ import annotations

import getpass
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from engine.cli.terminal.foreground import Interrupted
from engine.cli.terminal.output import printable, say
from engine.errors import LoginRefused
from engine.remote_ports import Secret
from engine.session.session import Session
from engine.vocabulary.remote import HostKey, HostKeyQuestion, Question, SecretQuestion, SshTarget

MOST_SECRETS = 3
"""As ``ssh`` asks (NumberOfPasswordPrompts)."""


class AnswerNeeded(Exception):
    """A machine asks, and there is nobody to answer. ``str`` is the sentence for people."""


class Answers:
    """Answers questions, one after the other."""

    def __init__(self, session: Session, accepted: tuple[str, ...]) -> None:
        """``accepted``: fingerprints that were given on the command line."""
        self._session = session
        self._accepted = accepted
        self._n_secrets: dict[tuple[SshTarget, str], int] = {}

    def answer(self, target: SshTarget, question: Question) -> None:
        """Answer it. Raises ``AnswerNeeded``, ``LoginRefused`` after too many wrong secrets, ``Interrupted``."""
        if isinstance(question, HostKeyQuestion):
            self._host_key(target, question.key)
        else:
            self._secret(target, question)

    def _host_key(self, target: SshTarget, key: HostKey) -> None:
        accepted = key.fingerprint in self._accepted
        if not accepted:
            shown = f"{target.text} shows a host key that was never seen: {printable(key.key_type)} {key.fingerprint}."
            if not is_terminal():
                how = f"If it is that machine's, give --accept-host-key {key.fingerprint}"
                raise AnswerNeeded(f"{shown} {how} (ssh-keygen -l on the machine prints it).")
            say(shown)
            say("Compare it with what ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub prints on that machine.")
            accepted = _yes_or_no("Is it the right machine? (yes/no) ")
        self._session.remotes.answer_host_key(target, key, accepted=accepted)

    def _secret(self, target: SshTarget, question: SecretQuestion) -> None:
        asked = (target, question.prompt)  # a jump host's questions are not counted as the machine's
        n_asked = self._n_secrets.get(asked, 0)
        if n_asked >= MOST_SECRETS:
            raise LoginRefused(f"{target.text} did not accept what was typed.", advice="Check the user and the password.")
        if not is_terminal():
            wanted = f"{target.text} asks for a {question.kind.value}"
            raise AnswerNeeded(f"{wanted}, and there is no terminal to type it on. Use a key in an agent, or a terminal.")
        self._n_secrets[asked] = n_asked + 1
        if question.wrong_before:
            say("That was not accepted.")
        with _ended_by_signals():
            value = getpass.getpass(f"{printable(question.prompt).rstrip(':')}: ")
        self._session.remotes.answer_secret(target, Secret(kind=question.kind, value=value, prompt=question.prompt))


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _yes_or_no(prompt: str) -> bool:
    with _ended_by_signals():
        while True:
            sys.stderr.write(prompt)
            sys.stderr.flush()
            line = sys.stdin.readline()
            word = line.strip().lower()
            if word in ("yes", "no") or not line:
                return word == "yes"
            say("Please type yes or no.")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """The foreground only notes a signal, and a read that it interrupts goes on: here it must end the read."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
