"""What machines ask before one is logged in to them: is this your key, what is the password. Questions only, never answers."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.vocabulary.remote import HostKey, HostKeyQuestion, RemotePhase, SecretKind, SecretQuestion, SshTarget

_KEY_FILES = (
    ("ssh-ed25519", "ssh_host_ed25519_key.pub"),
    ("ecdsa-", "ssh_host_ecdsa_key.pub"),
    ("ssh-rsa", "ssh_host_rsa_key.pub"),
    ("rsa-", "ssh_host_rsa_key.pub"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeyContent:
    """Is this the right machine?"""

    target: SshTarget
    key: HostKey
    compare_command: str
    """To be run on that machine, in front of its own screen: prints the fingerprint to compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretContent:
    """A secret is wanted."""

    target: SshTarget
    kind: SecretKind
    prompt: str
    wrong_before: bool
    can_be_kept: bool
    """A one-time code is worth nothing a second time."""


QuestionContent = HostKeyContent | SecretContent


def questions_of(state: ClusterState) -> tuple[QuestionContent, ...]:
    """All questions there are, in the order of the cards."""
    contents = (question_of(remote) for remote in state.remotes)
    return tuple(content for content in contents if content is not None)


def question_of(remote: RemoteSeen) -> QuestionContent | None:
    """What one machine asks, if it does."""
    question = remote.question
    if remote.phase is not RemotePhase.ASKING:
        return None
    if isinstance(question, HostKeyQuestion):
        command = f"ssh-keygen -lf /etc/ssh/{_key_file(question.key.key_type)}"
        return HostKeyContent(target=remote.target, key=question.key, compare_command=command)
    if isinstance(question, SecretQuestion):
        return SecretContent(
            target=remote.target,
            kind=question.kind,
            prompt=question.prompt,
            wrong_before=question.wrong_before,
            can_be_kept=question.kind is not SecretKind.ONE_TIME_CODE,
        )
    return None


def _key_file(key_type: str) -> str:
    return next((file for kind, file in _KEY_FILES if key_type.startswith(kind)), "ssh_host_ed25519_key.pub")
