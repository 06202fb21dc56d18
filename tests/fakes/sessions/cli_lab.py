"""``crossplyctl`` on fakes: its sessions are drained by looking, its terminal is written down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.cli import bench, doctor, node, plan, up
from engine.cli.machines import machine
from engine.cli.terminal import answers, foreground, gather
from engine.session.state import Choices
from engine.vocabulary.remote import HostKey
from engine.vocabulary.running.api import ApiPlace
from tests.fakes.ports.fake_remote import FakeRemoteMachine, a_look, with_runtime_source
from tests.fakes.sessions.drained_session import DrainedSession
from tests.fakes.sessions.fake_outside import RUNTIME, Fakes

FINGERPRINT = "SHA256:" + "a" * 43
KEY = HostKey(host="one", key_type="ssh-ed25519", key_base64="AAAA", fingerprint=FINGERPRINT)
OTHER_COMMIT = replace(RUNTIME, id="other", commit="abcdef0", build_number=11000)


class CliLab:
    """Patches what the commands open. ``sessions`` holds every session that was opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fakes: Fakes | None = None) -> None:
        self.fakes = fakes or Fakes()
        self.sessions: list[DrainedSession] = []
        self.monkeypatch = monkeypatch
        for command in (bench, doctor, machine, node, plan):
            monkeypatch.setattr(command, "real_outside", self.fakes.outside)
        for command in (up, bench):
            monkeypatch.setattr(command, "open_session", self._opened)
        monkeypatch.setattr(gather, "Session", self._session)
        monkeypatch.setattr(foreground, "POLL_SECONDS", 0.0)
        monkeypatch.setattr(answers, "is_terminal", lambda: False)

    def terminal(self, *lines: str, secrets: tuple[str, ...] = ()) -> None:
        """A person who types these lines, and these secrets."""
        typed, whispered = iter(lines), iter(secrets)
        self.monkeypatch.setattr(answers, "is_terminal", lambda: True)
        self.monkeypatch.setattr("sys.stdin.readline", lambda: next(typed, ""), raising=False)
        self.monkeypatch.setattr("getpass.getpass", lambda _prompt: next(whispered))

    def without_runtime(self, name: str) -> FakeRemoteMachine:
        """A machine with nothing that fits; after a copy it has ours."""
        machine = self.fakes.add_remote(name, runtime=None)
        copied = with_runtime_source(RUNTIME, "/home/ada/fake")
        machine.after_copy = a_look(machine.target, copied, self.fakes.finder.help_text(RUNTIME))
        return machine

    def _session(self, outside, choices):  # type: ignore[no-untyped-def]
        self.sessions.append(DrainedSession(outside, choices))
        return self.sessions[-1]

    def _opened(
        self, choices: Choices, *, network_address: str | None = None, wait_seconds: float | None = None
    ) -> DrainedSession:
        session = self._session(self.fakes.outside(), choices)
        session.start()
        place = ApiPlace(port=choices.api_port, network_address=network_address)
        session.open_api(place if wait_seconds is None else replace(place, wait_seconds=wait_seconds))
        return session
