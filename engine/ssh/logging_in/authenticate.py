"""Who we are: keys, passwords and codes, in the order that costs a person least. Ends with a login, a question or a no.

Order: keys of the agent that are configured, key files, the agent's other keys, key files whose passphrase is known; then what
the server asks (``keyboard-interactive``), then a password. OpenSSH goes through all of the agent's keys first; servers hang
up after six.
"""

from __future__ import annotations

import base64
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from engine.errors import LoginRefused, MachineUnreachable, SecretNeeded
from engine.remote_ports import Secret
from engine.ssh.connection import AgentKeys, Connection, KeyFileLocked, LoginKey, NoAnswer, ServerClosed, load_key_file
from engine.ssh.logging_in.secrets_store import SecretsStore
from engine.ssh.logging_in.ssh_options import SshOptions
from engine.vocabulary.remote import SecretKind, SecretQuestion

_CODE_WORDS = ("code", "token", "otp", "verif", "one-time", "one time", "factor", "pin", "duo")
"""In what a server asks when it is not the password; seen in pam_google_authenticator, pam_oath, Duo, RSA SecurID."""
_LONGEST_PROMPT = 120
MOST_WRONG = 3
"""Then it is a refusal: servers and fail2ban count too."""
_MOST_ROUNDS = 4
"""Of a login in several steps (``AuthenticationMethods publickey,password``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is known of the secrets of one machine on the way."""

    given: tuple[Secret, ...]
    store: SecretsStore
    is_last_stop: bool
    """Secrets that do not say which question they answer are for the machine itself."""

    def find(self, question: SecretQuestion) -> Secret | None:
        """The one that was typed last, else the one that was kept."""
        for secret in reversed(self.given):
            fits = secret.prompt == question.prompt if secret.prompt else self.is_last_stop
            if secret.kind == question.kind and fits:
                return secret
        kept = None if question.kind == SecretKind.ONE_TIME_CODE else self.store.find(question.prompt)
        return None if kept is None else Secret(kind=question.kind, value=kept, prompt=question.prompt)


@dataclass(slots=True)
class _Tried:
    """What happened so far."""

    keys: int = 0
    worked: list[tuple[SecretQuestion, Secret]] = field(default_factory=list)
    locked: list[SecretQuestion] = field(default_factory=list)
    """Key files that need a passphrase; ``wrong_before``: the one that is known does not fit."""


class Strikes:
    """Counts wrong secrets by question, over several attempts to connect. From any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wrong: Counter[str] = Counter()

    def is_one_too_many(self, question: SecretQuestion) -> bool:
        """Count one more. After the last, counting begins anew."""
        with self._lock:
            self._wrong[question.prompt] += 1
            if self._wrong[question.prompt] < MOST_WRONG:
                return False
            del self._wrong[question.prompt]
            return True

    def forgive(self, question: SecretQuestion) -> None:
        """It was right."""
        with self._lock:
            self._wrong.pop(question.prompt, None)


class Authenticator:
    """Logs in to one machine."""

    def __init__(
        self,
        connection: Connection,
        options: SshOptions,
        answers: Answers,
        environment: Mapping[str, str],
        strikes: Strikes,
    ) -> None:
        self._connection = connection
        self._options = options
        self._answers = answers
        self._environment = environment
        self._strikes = strikes
        self._tried = _Tried()
        self._methods: tuple[str, ...] = ()

    def log_in(self) -> None:
        """Return when we are in. Raises ``SecretNeeded``, ``LoginRefused``, ``MachineUnreachable``."""
        try:
            self._methods = self._connection.methods(self._options.user)
            for _ in range(_MOST_ROUNDS):
                if not self._methods:
                    self._keep_secrets()
                    return
                self._methods = self._one_proof()
        except ServerClosed as error:
            raise self._closed(error) from None
        raise self._refused()

    def _one_proof(self) -> tuple[str, ...]:
        """What the server wants after one proof that it took."""
        if "publickey" in self._methods:
            more = self._by_key()
            if more is not None:
                return more
        password = self._question(SecretKind.PASSWORD)
        if self._tried.locked and self._answers.find(password) is None:
            raise self._ask(self._tried.locked[0])
        for method, proof in (("keyboard-interactive", self._by_answers), ("password", self._by_password)):
            if method in self._methods:
                more = proof()
                if more is not None:
                    return more
        if self._tried.locked:
            raise self._ask(self._tried.locked[0])
        raise self._refused()

    # keys

    def _by_key(self) -> tuple[str, ...] | None:
        agent = AgentKeys(path) if (path := self._agent_path()) or sys.platform == "win32" else None
        seen: set[tuple[bytes, bool]] = set()
        try:
            for key in self._keys(agent.keys if agent else ()):
                if (key.blob, key.is_certified) in seen:
                    continue
                seen.add((key.blob, key.is_certified))
                self._tried.keys += 1
                more = self._connection.try_key(self._options.user, key)
                if more is not None:
                    return more
        finally:
            if agent:
                agent.close()
        return None

    def _agent_path(self) -> str | None:
        named = self._options.agent_socket
        if named is None:
            return self._environment.get("SSH_AUTH_SOCK")
        if named.startswith("$"):
            return self._environment.get(named[1:].strip("{}"))
        return None if named == "none" else named

    def _keys(self, in_agent: tuple[LoginKey, ...]) -> Iterator[LoginKey]:
        files = self._options.identity_files
        configured = {blob for path in files if (blob := public_blob_of(path))}
        yield from (key for key in in_agent if key.blob in configured)
        locked: list[Path] = []
        for path in files:
            try:
                yield from load_key_file(path, None, self._options.certificate_files)
            except KeyFileLocked:
                if public_blob_of(path) not in {key.blob for key in in_agent}:
                    locked.append(path)
        if not self._options.identities_only:
            yield from in_agent
        for path in locked:
            yield from self._unlocked(path)

    def _unlocked(self, path: Path) -> tuple[LoginKey, ...]:
        question = SecretQuestion(kind=SecretKind.PASSPHRASE, prompt=f"Passphrase of the key {path}")
        secret = self._answers.find(question)
        if secret is None:
            self._tried.locked.append(question)
            return ()
        try:
            keys = load_key_file(path, secret.value, self._options.certificate_files)
        except KeyFileLocked:
            self._tried.locked.append(_wrong(question))
            return ()
        self._tried.worked.append((question, secret))
        return keys

    # passwords and codes

    def _by_answers(self) -> tuple[str, ...] | None:
        asked: list[tuple[SecretQuestion, Secret | None]] = []

        def answer(prompt: str, _echo: bool) -> str | None:
            question = self._question(_kind_of(prompt), prompt)
            secret = self._answers.find(question)
            asked.append((question, secret))
            return None if secret is None else secret.value

        try:
            more = self._connection.try_interactive(self._options.user, answer)
        except NoAnswer:
            raise self._ask(next(question for question, secret in asked if secret is None)) from None
        if more is None and asked:
            raise self._ask(_wrong(asked[-1][0]))
        self._tried.worked += [(question, secret) for question, secret in asked if secret is not None]
        return more

    def _by_password(self) -> tuple[str, ...] | None:
        question = self._question(SecretKind.PASSWORD)
        secret = self._answers.find(question)
        if secret is None:
            raise self._ask(question)
        more = self._connection.try_password(self._options.user, secret.value)
        if more is None:
            raise self._ask(_wrong(question))
        self._tried.worked.append((question, secret))
        return more

    def _question(self, kind: SecretKind, prompt: str = "") -> SecretQuestion:
        whose = f"of {self._options.user} on {self._options.text.partition('@')[2]}"
        if kind == SecretKind.PASSWORD:
            return SecretQuestion(kind=kind, prompt=f"Password {whose}")
        return SecretQuestion(kind=kind, prompt=f"{_shown(prompt)} {whose}")

    # how it ends

    def _keep_secrets(self) -> None:
        for question, secret in self._tried.worked:
            self._strikes.forgive(question)
            if secret.remember and question.kind != SecretKind.ONE_TIME_CODE:
                self._answers.store.keep(question.prompt, secret.value)

    def _ask(self, question: SecretQuestion) -> SecretNeeded | LoginRefused:
        if question.wrong_before and self._strikes.is_one_too_many(question):
            return self._refused()
        wrong = " The one that was given is wrong." if question.wrong_before else ""
        return SecretNeeded(f"{self._connection.name} needs: {question.prompt}.{wrong}", question)

    def _refused(self) -> LoginRefused:
        return LoginRefused(
            f"{self._connection.name} does not let {self._options.user} in: {self._what_was_tried()}.",
            advice=f"It takes: {', '.join(self._methods) or 'nothing else'}. Check the user's name, or put a key of yours "
            "there with ssh-copy-id.",
        )

    def _what_was_tried(self) -> str:
        keys = {0: "we have no key to show", 1: "our key is not accepted"}
        text = keys.get(self._tried.keys, f"none of our {self._tried.keys} keys is accepted")
        can_type = {"password", "keyboard-interactive"} & set(self._methods)
        return f"{text}, and no secret that was typed" if can_type or self._tried.locked else text

    def _closed(self, error: ServerClosed) -> LoginRefused | MachineUnreachable:
        if "in time" in str(error):
            return MachineUnreachable(f"{self._connection.name} did not answer our login.", advice="See whether it hangs.")
        return LoginRefused(
            f"{self._connection.name} hung up while {self._options.user} logged in, after {self._tried.keys} keys.",
            advice=f"It takes: {', '.join(self._methods) or 'it did not say what'}. With many keys in the agent, set "
            "IdentityFile and IdentitiesOnly for it.",
            details=str(error),
        )


def _wrong(question: SecretQuestion) -> SecretQuestion:
    return SecretQuestion(kind=question.kind, prompt=question.prompt, wrong_before=True)


def _kind_of(prompt: str) -> SecretKind:
    text = prompt.lower()
    return SecretKind.ONE_TIME_CODE if any(word in text for word in _CODE_WORDS) else SecretKind.PASSWORD


def _shown(prompt: str) -> str:
    text = "".join(character for character in prompt if character.isprintable()).strip(" :")
    return text[:_LONGEST_PROMPT] or "One-time code"


def public_blob_of(path: Path) -> bytes | None:
    """The public half of a key file in wire form, from the ``.pub`` file beside it (or from itself, if it is one)."""
    public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        return base64.b64decode(public.read_text(encoding="utf-8").split()[1], validate=True)
    except (OSError, ValueError, IndexError):
        return None
