"""Secrets that a person wants to be kept: in the system's own store (Secret Service, KWallet, Keychain, Windows Credential
Locker), by ``keyring``. Where there is none, for as long as Crossply runs. A file of ours was rejected: whoever reads the
user's files would have the passwords.
"""

from __future__ import annotations

import logging
from threading import Lock

import keyring  # noqa: TID251 - the one file
from keyring.errors import KeyringError  # noqa: TID251 - the same

_LOG = logging.getLogger(__name__)
_SERVICE = "Crossply"


class SecretsStore:
    """Remembers a secret by the question it answers. From any thread."""

    def __init__(self, *, use_keyring: bool = True) -> None:
        self._use_keyring = use_keyring
        self._lock = Lock()
        self._in_memory: dict[str, str] = {}

    def find(self, question: str) -> str | None:
        """What was kept for it. May block for as long as the system asks to unlock its store."""
        with self._lock:
            kept = self._in_memory.get(question)
        if kept is not None or not self._use_keyring:
            return kept
        try:
            return keyring.get_password(_SERVICE, question)
        except (KeyringError, OSError, RuntimeError) as error:
            _LOG.info("The system's key ring cannot be asked (%s).", type(error).__name__)
            return None

    def keep(self, question: str, value: str) -> None:
        """Keep it under the question, in place of what was kept before."""
        if self._use_keyring:
            try:
                keyring.set_password(_SERVICE, question, value)
            except (KeyringError, OSError, RuntimeError) as error:
                _LOG.info(
                    "The system has no key ring that takes secrets (%s): it is kept until Crossply ends.", type(error).__name__
                )
            else:
                return
        with self._lock:
            self._in_memory[question] = value
