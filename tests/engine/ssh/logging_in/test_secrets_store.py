"""Secrets in the system's store, and what happens where there is none."""

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringError

from engine.ssh.logging_in.secrets_store import SecretsStore


class MadeUpKeyring(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password


class LockedKeyring(MadeUpKeyring):
    def get_password(self, service, username):
        raise KeyringError("locked")

    def set_password(self, service, username, password):
        raise KeyringError("locked")


@pytest.fixture
def use(monkeypatch):
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


def test_the_systems_store_is_used(use):
    system = MadeUpKeyring()
    use(system)
    SecretsStore().keep("Password of ada on gpu", "right")
    assert system.kept == {("Crossply", "Password of ada on gpu"): "right"}
    assert SecretsStore().find("Password of ada on gpu") == "right"
    assert SecretsStore().find("another") is None


@pytest.mark.parametrize("backend", [NoKeyring, LockedKeyring])
def test_without_one_it_is_kept_until_the_end_and_said_without_the_secret(use, backend, caplog):
    use(backend())
    caplog.set_level("INFO")
    store = SecretsStore()
    assert store.find("q") is None
    store.keep("q", "hunter2")
    assert store.find("q") == "hunter2"
    assert SecretsStore().find("q") is None
    assert "kept until Crossply ends" in caplog.text
    assert "hunter2" not in caplog.text


def test_it_can_do_without_the_system(use):
    system = MadeUpKeyring()
    use(system)
    store = SecretsStore(use_keyring=False)
    store.keep("q", "right")
    assert (store.find("q"), store.find("other"), system.kept) == ("right", None, {})
