"""One SSH connection by paramiko: handshake, proofs of identity, channels, and noticing that it is lost.

With ``files`` the only place that imports paramiko. Chosen: keeps one connection per machine open, refuses unknown keys unless
told otherwise, speaks agent, certificates and SFTP. Rejected: asyncssh (a second event world; EPL), fabric (hides the host key
question), one ``ssh`` process per command (a login each time), ControlMaster (not on Windows, and its socket is another door).
The strict algorithms are paramiko 5's: no SHA-1, no DSA, strict key exchange.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread, Timer
from typing import cast

import paramiko  # noqa: TID251 - one of the two files
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.agent import AgentSSH  # noqa: TID251 - the same
from paramiko.pkey import PublicBlob, UnknownKeyType  # noqa: TID251 - the same
from paramiko.ssh_exception import IncompatiblePeer  # noqa: TID251 - the same

from engine.errors import MachineUnreachable
from engine.ssh.heard_socket import ByteStream, HeardSocket

KEEP_ALIVE_SECONDS = 2.0
SILENCE_SECONDS = 8.0
"""Lost when nothing was heard for so long, although something was asked every ``KEEP_ALIVE_SECONDS``: so a machine that fell
silent is named within 10 s."""
AUTH_SECONDS = 30.0
ANSWER_SECONDS = 15.0
"""For the server's answer to a request: opening a channel, starting a command."""
_AGENT_SECONDS = 30.0
"""An agent may ask a person, or a token's button."""
_ROUND_TRIPS = 3
_KEEP_ALIVE_REQUEST = "keepalive@openssh.com"
_LOG_CHANNEL = "crossply.paramiko"
_MESSAGE_CHANNEL_REQUEST = b"\x62"

Answer = Callable[[str, bool], str | None]
"""Answers one prompt of the server (its text, whether the answer may be seen). ``None`` = not known: hang up."""


class NoAnswer(paramiko.SSHException):
    """The server asked what we cannot answer. The connection is closed then: an empty answer would count as a wrong one."""


class ServerClosed(Exception):
    """The server hung up, or did not answer in time, while we proved who we are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginKey:
    """A key that can be tried. ``repr`` does not show it."""

    name: str
    """Its file, or what the agent calls it."""
    blob: bytes
    """Public half in wire form; tells which keys are the same."""
    signer: paramiko.PKey = field(repr=False)

    @property
    def is_certified(self) -> bool:
        """Offered with a certificate."""
        return self.signer.public_blob is not None


class KeyFileLocked(Exception):
    """The key file is encrypted, and no passphrase or a wrong one was given."""


def load_key_file(path: Path, passphrase: str | None, certificates: tuple[Path, ...] = ()) -> tuple[LoginKey, ...]:
    """The key with each certificate that belongs to it, then alone. Empty: not a key that can be used.
    Raises ``KeyFileLocked``."""
    certificates = (*certificates, path.with_name(f"{path.name}-cert.pub"))
    try:
        key = _load(path, passphrase)
    except (OSError, ValueError, UnicodeDecodeError, UnknownKeyType, UnsupportedAlgorithm, paramiko.SSHException):
        return ()
    signers = [(file, _certified(key, file)) for file in certificates] + [(path, key)]
    return tuple(LoginKey(name=str(file), blob=key.asbytes(), signer=signer) for file, signer in signers if signer)


def _load(path: Path, passphrase: str | None) -> paramiko.PKey:
    try:
        key = paramiko.PKey.from_path(path)
    except TypeError:  # cryptography's way of saying that it is encrypted
        if passphrase is None:
            raise KeyFileLocked from None
        try:
            # it wants bytes, whatever its annotation says
            key = paramiko.PKey.from_path(path, cast("str", passphrase.encode()))
        except (TypeError, ValueError, paramiko.SSHException):
            raise KeyFileLocked from None
    key.public_blob = None  # a certificate beside it was loaded, too
    return key


def _certified(key: paramiko.PKey, certificate: Path) -> paramiko.PKey | None:
    if not certificate.is_file():
        return None
    certified = copy(key)
    try:
        certified.load_certificate(str(certificate))
    except (ValueError, OSError, paramiko.SSHException):
        return None
    return certified


class _AgentAt(AgentSSH):
    """An agent behind a named Unix socket, with a deadline."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._stream.settimeout(_AGENT_SECONDS)
        try:
            self._stream.connect(path)
            self._connect(self._stream)  # type: ignore[attr-defined] # the only way to name the socket
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        """Its keys cannot sign any more."""
        self._stream.close()


class AgentKeys:
    """The keys that an ssh agent offers. Without one, or with one that answers nonsense: none."""

    def __init__(self, path: str | None) -> None:
        self._agent: _AgentAt | paramiko.Agent | None = None
        self.keys: tuple[LoginKey, ...] = ()
        try:
            self._agent = _AgentAt(path) if path else paramiko.Agent()
            self.keys = tuple(_agent_key(key) for key in self._agent.get_keys())
        except (OSError, ValueError, UnicodeDecodeError, paramiko.SSHException):
            self.close()

    def close(self) -> None:
        """Let go of the agent."""
        if self._agent is not None:
            self._agent.close()


def _agent_key(key: paramiko.AgentKey) -> LoginKey:
    if "-cert-v01@" in key.get_name():
        key.public_blob = PublicBlob(key.get_name(), key.blob)  # type: ignore[assignment] # else only its plain half would be offered
    return LoginKey(name=key.comment or "the agent's key", blob=key.asbytes(), signer=key)


class Connection:
    """One connection. ``name`` is the machine's, for people; ``heard`` knows when it last spoke. From any thread, once
    ``watch`` was called."""

    def __init__(self, stream: ByteStream, name: str) -> None:
        logging.getLogger(_LOG_CHANNEL).setLevel(logging.CRITICAL)  # what matters reaches people as errors of ours
        self.name = name
        self.heard = HeardSocket(stream, silence_seconds=SILENCE_SECONDS)
        self._transport = paramiko.Transport(cast("socket.socket", self.heard))
        self._transport.set_log_channel(_LOG_CHANNEL)
        self._transport.auth_timeout = AUTH_SECONDS
        self._asking = Lock()
        self._closed = Event()

    # handshake

    def shake_hands(self, preferred_key_types: tuple[str, ...], timeout_seconds: float) -> tuple[str, bytes]:
        """Agree on keys. The server's host key: its type and wire form. ``preferred_key_types`` are asked for first.
        Raises ``MachineUnreachable``."""
        self._prefer(preferred_key_types)
        self._transport.banner_timeout = self._transport.handshake_timeout = timeout_seconds
        started = time.monotonic()
        try:
            self._transport.start_client(timeout=timeout_seconds)
        except IncompatiblePeer as error:
            raise MachineUnreachable(
                f"{self.name} has only old algorithms that are not safe any more.",
                advice="Bring its ssh server up to date.",
                details=str(error),
            ) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._no_handshake(started, timeout_seconds, error) from None
        if not self._transport.initial_kex_done:
            raise self._no_handshake(started, timeout_seconds, TimeoutError())
        key = self._transport.get_remote_server_key()
        return key.get_name(), key.asbytes()

    def _prefer(self, types: tuple[str, ...]) -> None:
        options = self._transport.get_security_options()
        wanted = [name for one in types for name in (("rsa-sha2-512", "rsa-sha2-256") if one == "ssh-rsa" else (one,))]
        usual = tuple(options.key_types)
        options.key_types = tuple(dict.fromkeys((*(name for name in wanted if name in usual), *usual)))

    def _no_handshake(self, started: float, timeout_seconds: float, error: BaseException) -> MachineUnreachable:
        if time.monotonic() - started > timeout_seconds - 1:
            happened = f"{self.name} took our connection, but its ssh server said nothing for {timeout_seconds:.0f} s."
            return MachineUnreachable(happened, advice="See whether that machine hangs.")
        return MachineUnreachable(
            f"What answers at {self.name} is no ssh server, or it hung up at once.",
            advice="Check the port, and whether that server takes more connections.",
            details=f"{type(error).__name__}: {error}",
        )

    # proofs of identity: None = refused, () = let in, (methods) = right, but more is needed

    def methods(self, user: str) -> tuple[str, ...]:
        """The ways that the server offers; empty when it lets everybody in."""
        with self._server_may_close():
            try:
                return tuple(self._transport.auth_none(user))
            except paramiko.BadAuthenticationType as error:
                return tuple(error.allowed_types)
            except paramiko.AuthenticationException:
                self._is_still_there()
                return ("publickey", "keyboard-interactive", "password")

    def try_key(self, user: str, key: LoginKey) -> tuple[str, ...] | None:
        """Prove that we have this key."""
        return self._try(lambda: self._transport.auth_publickey(user, key.signer))

    def try_password(self, user: str, password: str) -> tuple[str, ...] | None:
        """Send a password."""
        return self._try(lambda: self._transport.auth_password(user, password, fallback=False))

    def try_interactive(self, user: str, answer: Answer) -> tuple[str, ...] | None:
        """Answer what the server asks. Raises ``NoAnswer``, after hanging up."""

        def handler(_title: str, _instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
            answers = [answer(prompt, echo) for prompt, echo in prompts]
            known = [one for one in answers if one is not None]
            if len(known) < len(answers):
                raise NoAnswer
            return known

        return self._try(lambda: self._transport.auth_interactive(user, handler))

    def _try(self, proof: Callable[[], list[str]]) -> tuple[str, ...] | None:
        with self._server_may_close():
            try:
                return tuple(proof())
            except paramiko.AuthenticationException:
                self._is_still_there()
                return None

    def _is_still_there(self) -> None:
        if not self._transport.is_active():
            raise ServerClosed("it closed the connection")

    @contextmanager
    def _server_may_close(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except NoAnswer:
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise ServerClosed(str(error)) from None
        if time.monotonic() - started >= AUTH_SECONDS:
            raise ServerClosed("it did not answer in time")

    # life

    def watch(self) -> None:
        """Ask something every few seconds, and end the connection when nothing comes back."""
        self.heard.expect_answers()
        Thread(target=self._keep_asking, name=f"keep-alive {self.name}", daemon=True).start()

    def _keep_asking(self) -> None:
        while not self._closed.wait(KEEP_ALIVE_SECONDS) and self.is_alive():
            with suppress(paramiko.SSHException, EOFError, OSError):
                self._ask()

    def _ask(self) -> None:
        with self._asking:  # the answers have no numbers
            self._transport.global_request(_KEEP_ALIVE_REQUEST, wait=True)

    def round_trip_seconds(self) -> float:
        """The best of a few. Raises ``MachineUnreachable``."""
        times = []
        for _ in range(_ROUND_TRIPS):
            started = time.monotonic()
            with self._lost_means_unreachable():
                self._ask()
            times.append(time.monotonic() - started)
        if not self.is_alive():
            raise self.lost()
        return min(times)

    def is_alive(self) -> bool:
        """As far as is known."""
        return self._transport.is_active()

    def lost(self, details: str = "") -> MachineUnreachable:
        """The error for people."""
        return MachineUnreachable(
            f"The connection to {self.name} was lost.", advice="See whether it is on and reachable.", details=details
        )

    def close(self) -> None:
        """Idempotent."""
        self._closed.set()
        self._transport.packetizer.complete_handshake()  # stops its timer, which outlives a handshake that failed
        self._transport.close()
        self.heard.close()

    # channels

    def start_command(self, command: str, *, merge_stderr: bool) -> paramiko.Channel:
        """Have the user's shell run one line there. Raises ``MachineUnreachable``."""
        channel = self.open_session()
        channel.set_combine_stderr(merge_stderr)
        with self._lost_means_unreachable(), self._closes_late(channel):
            channel.exec_command(command.encode())
        return channel

    def start_sftp(self) -> paramiko.Channel:
        """A channel that speaks SFTP. Raises ``MachineUnreachable``."""
        channel = self.open_session()
        try:
            with self._closes_late(channel):
                channel.invoke_subsystem("sftp")
        except (paramiko.SSHException, EOFError, OSError) as error:
            channel.close()
            if not self.is_alive():
                raise self.lost(str(error)) from None
            raise MachineUnreachable(
                f"{self.name} offers no file transfer (SFTP).", advice="Let its ssh server offer the subsystem sftp."
            ) from None
        return channel

    def open_session(self) -> paramiko.Channel:
        """A channel for one command. Raises ``MachineUnreachable``."""
        try:
            return self._transport.open_session(timeout=ANSWER_SECONDS)
        except paramiko.ChannelException as error:
            raise MachineUnreachable(
                f"{self.name} allows no further session on one connection.",
                advice="Raise MaxSessions in its sshd_config.",
                details=str(error),
            ) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._no_answer(error) from None

    def open_port(self, host: str, port: int, timeout_seconds: float) -> paramiko.Channel:
        """Have the machine connect somewhere. Raises ``ConnectionRefusedError`` (any failed connect: paramiko keeps the
        server's reason for itself), ``PermissionError`` when it may not forward, ``TimeoutError``, ``ConnectionError``."""
        try:
            return self._transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_seconds)
        except paramiko.ChannelException as error:
            if error.code == 1:
                raise PermissionError(1, f"{self.name} does not forward connections (AllowTcpForwarding)") from None
            raise ConnectionRefusedError(111, f"{self.name} could not connect to {host}:{port}") from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self.is_alive():
                raise TimeoutError(110, f"{self.name} did not connect to {host}:{port} in time") from error
            raise ConnectionAbortedError(103, f"the connection to {self.name} was lost") from error

    def send_signal(self, channel: paramiko.Channel, name: str) -> None:
        """Ask the server to send ``TERM`` and the like to what it runs for the channel (RFC 4254, 6.9). OpenSSH 7.9 and
        later do, others ignore it. Paramiko has no call for it (its issue #203)."""
        message = paramiko.Message()
        message.add_byte(_MESSAGE_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("signal")
        message.add_boolean(False)
        message.add_string(name)
        with suppress(paramiko.SSHException, EOFError, OSError):
            self._transport._send_user_message(message)  # type: ignore[attr-defined] # noqa: SLF001

    @contextmanager
    def _closes_late(self, channel: paramiko.Channel) -> Iterator[None]:
        """Paramiko waits for the answer to a request without a deadline; closing the channel ends that."""
        timer = Timer(ANSWER_SECONDS, channel.close)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @contextmanager
    def _lost_means_unreachable(self) -> Iterator[None]:
        try:
            yield
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._no_answer(error) from None

    def _no_answer(self, error: BaseException) -> MachineUnreachable:
        if not self.is_alive():
            return self.lost(str(error))
        return MachineUnreachable(
            f"{self.name} did not start what we asked for.", advice="See what its ssh server's log says.", details=str(error)
        )
