"""Work that blocks: its result, its errors, and being left behind with all that it holds closed."""

import threading
import time

import pytest

from engine.errors import BadInput, Cancelled, MachineUnreachable
from engine.ssh.abandonable import Attempt, run_abandonable
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled


class Thing:
    def __init__(self):
        self.closed = threading.Event()

    def close(self):
        self.closed.set()


def run(work, *, token=None, seconds=10.0):
    return run_abandonable(work, token=token or NeverCancelled(), deadline_seconds=seconds, name="gpu")


def test_what_worked_stays_open():
    thing = Thing()
    assert run(lambda attempt: attempt.hold(thing)) is thing
    assert not thing.closed.is_set()


def test_what_failed_is_closed_and_the_error_is_the_works():
    thing = Thing()

    def fail(attempt):
        attempt.hold(thing)
        raise BadInput("no")

    with pytest.raises(BadInput, match="no"):
        run(fail)
    assert thing.closed.is_set()


def test_a_cancel_closes_what_is_held_and_what_comes_later():
    early, late, may_go, ended = Thing(), Thing(), threading.Event(), threading.Event()

    def work(attempt):
        attempt.hold(early)
        may_go.wait(10)
        try:
            attempt.hold(late)
        finally:
            ended.set()

    started = time.monotonic()
    with pytest.raises(Cancelled):
        run(work, token=CancelledWhen(lambda: True))
    assert time.monotonic() - started < 0.2
    assert early.closed.is_set()
    may_go.set()
    assert ended.wait(10)
    assert late.closed.wait(10)


def test_a_deadline_names_the_machine():
    thing = Thing()
    with pytest.raises(MachineUnreachable, match="gpu did not let us in within 0 s"):
        run(lambda attempt: attempt.hold(thing).closed.wait(10), seconds=0.0)
    assert thing.closed.is_set()


def test_a_thing_that_cannot_be_closed_does_not_keep_the_others_open():
    class Broken:
        def close(self):
            raise OSError("broken")

    attempt, first = Attempt(), Thing()
    attempt.hold(first)
    attempt.hold(Broken())
    attempt.close_all()
    assert first.closed.is_set()
