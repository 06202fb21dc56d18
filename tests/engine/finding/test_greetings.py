"""What servers say unasked, and what an Ollama answers; also those that say it slowly, endlessly, or wrong."""

import time

import pytest

from engine.finding.greetings import is_ollama_version, ollama_url, speaks_ssh
from tests.engine.finding.talking_servers import refused_port, talking_server

OLLAMA = b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"version":"0.5.7"}'


@pytest.mark.parametrize(
    ("says", "is_ssh"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", True),
        (b"SSH-1.99-Cisco-1.25\n", True),
        (b"Authorised use only\r\nSSH-2.0-dropbear_2022.83\r\n", True),
        (b"SSH-1.5-old\r\n", False),
        (b"SSH-2.0-", False),
        (b"SSH-2.0-\x1b[2J\r\n", False),
        (b"220 mail.example ESMTP\r\n", False),
        (b"", False),
        (b"x" * 100_000, False),
    ],
)
def test_who_speaks_ssh(says, is_ssh):
    with talking_server(says) as server:
        assert speaks_ssh(server.endpoint) is is_ssh


def test_an_ssh_server_that_waits_for_us_is_not_waited_for():
    with talking_server(b"SSH-2.0-x\r\n", closes=False) as server:
        began = time.monotonic()
        assert speaks_ssh(server.endpoint, 30)
        assert time.monotonic() - began < 5


def test_silence_ends_at_the_deadline():
    with talking_server(b"", closes=False) as server:
        began = time.monotonic()
        assert not speaks_ssh(server.endpoint, 0.2)
        assert time.monotonic() - began < 2


def test_nobody_there():
    assert not speaks_ssh(("127.0.0.1", refused_port()))
    assert ollama_url(("127.0.0.1", refused_port())) is None


def test_an_ollama_is_known_by_its_version():
    with talking_server(OLLAMA, waits=True) as server:
        assert ollama_url(server.endpoint) == f"http://127.0.0.1:{server.port}"


def test_an_endless_answer_is_cut():
    with talking_server(b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 1_000_000, waits=True) as server:
        assert ollama_url(server.endpoint) is None


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        OLLAMA.replace(b"200", b"404"),
        OLLAMA.replace(b"version", b"release"),
        OLLAMA.replace(b'"0.5.7"', b"7"),
        OLLAMA[:-1],
        b"HTTP/1.0 200 OK\r\n\r\n[]",
        b"HTTP/1.0 200 OK\r\n\r\n\xff",
        b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 8000,
    ],
)
def test_other_web_servers_are_no_ollama(reply):
    assert not is_ollama_version(reply)
