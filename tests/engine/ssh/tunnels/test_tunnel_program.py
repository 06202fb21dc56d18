"""What the program makes of its order. Carrying for real: ``test_tunnels``."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest

from engine.ssh.tunnels.tunnel_program import EXIT_REFUSED, Order, main
from tests.fakes.ssh.private_sshd import free_port

ORDER = {"host": "127.0.0.1", "user": None, "forwards": [[1, 2]], "known_hosts": "/nowhere", "home": "/nowhere", "secrets": []}


def run(monkeypatch: pytest.MonkeyPatch, line: bytes) -> int:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(line)))
    return main()


@pytest.mark.parametrize(
    "line",
    [b"", b"nonsense", b"[]", b'{"host": 1}', json.dumps({**ORDER, "port": 1, "secrets": [["hush", "s3cret", ""]]}).encode()],
)
def test_an_order_that_is_none_is_refused_without_quoting_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: bytes
) -> None:
    assert run(monkeypatch, line) == EXIT_REFUSED
    assert capsys.readouterr().out == "The order on the standard input is not one of ours.\n"


def test_a_machine_that_is_not_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.dumps({**ORDER, "port": free_port(), "config_file": "/dev/null"}).encode()
    assert run(monkeypatch, line) == EXIT_REFUSED
    said = capsys.readouterr().out
    assert "refused the connection" in said
    assert said.count("\n") == 1


def test_an_order_does_not_show_its_secrets() -> None:
    order = Order(host="h", user=None, port=None, forwards=(), known_hosts="", home="", secrets=(("password", "s3cret", ""),))
    assert "s3cret" not in repr(order)
