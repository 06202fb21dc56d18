"""Silence is an end, but only when an answer is due."""

import socket

import pytest

from engine.ssh import heard_socket
from engine.ssh.heard_socket import HeardSocket
from engine.vocabulary.running.process import ConnectionLoss


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(heard_socket, "time", clock)
    return clock


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.settimeout(0.01)
    yield HeardSocket(ours, silence_seconds=15), theirs
    ours.close()
    theirs.close()


def test_silence_is_no_end_before_answers_are_due(pair, clock):
    heard, _ = pair
    clock.now += 1000
    with pytest.raises(TimeoutError):
        heard.recv(1)


def test_silence_is_an_end_after_that_and_every_byte_begins_it_anew(pair, clock):
    heard, theirs = pair
    heard.expect_answers()
    clock.now += 14
    theirs.send(b"x")
    assert heard.recv(1) == b"x"
    clock.now += 14
    with pytest.raises(TimeoutError):
        heard.recv(1)
    clock.now += 2
    assert heard.silent_seconds == 16
    assert heard.loss is ConnectionLoss.CLOSED, "as far as is known"
    with pytest.raises(ConnectionAbortedError, match="nothing was heard for 16 s"):
        heard.recv(1)
    assert heard.loss is ConnectionLoss.SILENT


def test_it_sends_and_closes_as_a_socket(pair):
    heard, theirs = pair
    assert heard.send(b"abc") == 3
    assert theirs.recv(10) == b"abc"
    heard.settimeout(5)
    heard.close()
    heard.close()
    assert heard._closed
    assert theirs.recv(10) == b""


def test_one_that_is_in_doubt_gets_less_time_just_once(pair, clock):
    heard, theirs = pair
    heard.expect_answers()
    heard.must_be_heard(4.0)
    clock.now += 3
    theirs.send(b"x")
    assert heard.recv(1) == b"x"
    clock.now += 5
    with pytest.raises(TimeoutError):
        heard.recv(1)
    heard.must_be_heard(4.0)
    clock.now += 5
    with pytest.raises(ConnectionAbortedError):
        heard.recv(1)
    assert heard.loss is ConnectionLoss.SILENT
