"""The errors that Crossply expects, each one sentence for a person: what, where, what to do.

::

    EngineError                 expected; shown where it belongs, never as a traceback
    |-- BadInput                a file, an option or a value from outside that is not what it must be
    |   |-- BadModelFile        not a GGUF file, truncated, or hostile
    |   `-- BadClusterFile      the TOML file that describes machines
    |-- RuntimeUnavailable      no usable llama.cpp programs, or a build or a download failed
    |-- ProcessFailed           a process could not be started, or ended when it must not
    |-- RpcServerUnusable       a port where no rpc-server of ours can be reached
    |-- HistoryUnusable         the file of measured runs cannot be read or written
    |-- CoordinatorUnusable     llama-server does not answer, or answers nonsense
    `-- RemoteProblem           something about a machine over the network
        |-- MachineUnreachable  no route, no answer in time, or the connection was lost
        |-- LoginRefused        none of the keys and passwords is accepted
        |-- HostKeyUnknown      a question: is this the right machine? (carries the key)
        |-- HostKeyChanged      another machine answers under a known name
        |-- SecretNeeded        a question: a password or a passphrase (carries what for)
        |-- ProbeFailed         logged in, but what the machine told about itself makes no sense
        `-- RemoteFileProblem   a file could not be written or read there (disk full, not allowed)

    Cancelled                   somebody asked for the work to stop: silent, and not an EngineError

A refused plan is no error: the planner returns ``PlanRefused``. Anything else that is raised is a bug and is not caught,
except by the job runner and the excepthook, which report it.
"""

from __future__ import annotations

from engine.vocabulary.remote import HostKey, SecretQuestion

LONGEST_SENTENCE = 5_000
"""Longer than any path; what is quoted in a sentence may come from anybody."""

LONGEST_DETAILS = 100_000


def _sayable(text: str) -> str:
    """Bounded, and writable in UTF-8 (a file's name need not be)."""
    if len(text) > LONGEST_SENTENCE:
        text = f"{text[:LONGEST_SENTENCE]}…"
    return text.encode("utf-8", "backslashreplace").decode()


class EngineError(Exception):
    """Something expected went wrong. ``str(error)`` is the sentence for people; ``advice`` is what to do about it."""

    def __init__(self, happened: str, *, advice: str = "", details: str = "") -> None:
        happened = _sayable(happened)
        super().__init__(happened)
        self.happened = happened
        self.advice = _sayable(advice)
        self.details = details[:LONGEST_DETAILS]

    def __str__(self) -> str:
        return f"{self.happened} {self.advice}".strip()


class BadInput(EngineError):
    """A file, an option or a value from outside is not what it must be."""


class BadModelFile(BadInput):
    """Not a GGUF file, or one that is truncated, inconsistent or hostile."""


class BadClusterFile(BadInput):
    """A cluster file that is not TOML, has unknown keys, or says something impossible."""


class RuntimeUnavailable(EngineError):
    """No usable llama.cpp programs were found, or a build, a download or a check of them failed."""


class ProcessFailed(EngineError):
    """A process could not be started, or ended although it must run."""


class RpcServerUnusable(EngineError):
    """What listens on a port is not an rpc-server that may be used: other software, busy, or gone."""


class HistoryUnusable(EngineError):
    """The file of measured runs was written by a newer version, or cannot be read or written."""


class CoordinatorUnusable(EngineError):
    """llama-server does not answer, or not with what its API promises."""


class RemoteProblem(EngineError):
    """Something about a machine over the network."""


class MachineUnreachable(RemoteProblem):
    """No route, no answer in time, or the connection was lost."""


class LoginRefused(RemoteProblem):
    """None of the keys and passwords is accepted."""


class HostKeyUnknown(RemoteProblem):
    """The server's key was never seen before."""

    def __init__(self, happened: str, key: HostKey, *, advice: str = "") -> None:
        super().__init__(happened, advice=advice)
        self.key = key


class HostKeyChanged(RemoteProblem):
    """The server shows another key than the one that is known for this name: it may be another machine."""


class SecretNeeded(RemoteProblem):
    """A password or a passphrase is needed to go on."""

    def __init__(self, happened: str, question: SecretQuestion, *, advice: str = "") -> None:
        super().__init__(happened, advice=advice)
        self.question = question


class ProbeFailed(RemoteProblem):
    """What a machine told about itself makes no sense."""


class ProbeTimedOut(ProbeFailed):
    """A machine that we are logged in to told nothing in time: it is overloaded, or something on it hangs. It may later."""


class RemoteFileProblem(RemoteProblem):
    """A file could not be written or read on a remote machine."""


class Cancelled(Exception):
    """The work was asked to stop."""
