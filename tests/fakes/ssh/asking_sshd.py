"""An ssh server inside the test that asks for passwords and one-time codes: paramiko's server half, nothing behind it.

A real sshd cannot be had for this without accounts that have passwords.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import paramiko


@dataclass
class AskingSshd:
    """What it wants, and what it was told."""

    password: str = "right"
    code: str | None = None
    methods: str = "password"
    authorized: bytes | None = None
    """A key that is let in; with ``then`` it is only the first step."""
    then: str = ""
    hangs_up_after: int | None = None
    """Failures."""
    prompt: str = "Password: "
    port: int = 0
    told: list[str] = field(default_factory=list)
    """Everything that was tried as a secret, in order."""


class _Asks(paramiko.ServerInterface):
    def __init__(self, wants: AskingSshd, transport: paramiko.Transport) -> None:
        self._wants = wants
        self._transport = transport
        self._failures = 0
        self._methods = wants.methods

    def get_allowed_auths(self, username: str) -> str:
        return self._methods

    def check_auth_none(self, username: str) -> int:
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if key.asbytes() != self._wants.authorized:
            return self._failed()
        if self._wants.then:
            self._methods = self._wants.then
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL
        return paramiko.AUTH_SUCCESSFUL

    def check_auth_password(self, username: str, password: str) -> int:
        self._wants.told.append(password)
        return paramiko.AUTH_SUCCESSFUL if password == self._wants.password else self._failed()

    def check_auth_interactive(self, username: str, submethods: str) -> paramiko.InteractiveQuery | int:
        prompts = [(self._wants.prompt, False), *([("Verification code: ", True)] if self._wants.code else [])]
        return paramiko.InteractiveQuery("", "", *prompts)

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self._wants.told += responses
        right = [self._wants.password, *([self._wants.code] if self._wants.code else [])]
        return paramiko.AUTH_SUCCESSFUL if responses == right else self._failed()

    def _failed(self) -> int:
        self._failures += 1
        if self._failures == self._wants.hangs_up_after:
            self._transport.close()
        return paramiko.AUTH_FAILED


@contextmanager
def asking_sshd(wants: AskingSshd) -> Iterator[AskingSshd]:
    """Listen on 127.0.0.1 until the end of the block; ``wants.port`` says where."""
    key = paramiko.ECDSAKey.generate()
    served: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wants.port = listener.getsockname()[1]
        thread = threading.Thread(target=_serve, args=(listener, key, wants, served), daemon=True)
        thread.start()
        try:
            yield wants
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)
            for transport in served:
                transport.close()
                transport.join(timeout=10)


def _serve(listener: socket.socket, key: paramiko.PKey, wants: AskingSshd, served: list[paramiko.Transport]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        transport = paramiko.Transport(connection)
        transport.set_log_channel("crossply.paramiko")
        transport.add_server_key(key)
        served.append(transport)
        transport.start_server(event=threading.Event(), server=_Asks(wants, transport))
