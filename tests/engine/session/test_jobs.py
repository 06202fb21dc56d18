"""The pool of jobs, with its real threads: order per key, parallel across keys, cancelling, closing, no lost wake-up."""

import threading

import pytest

from engine.errors import Cancelled
from engine.session.jobs import Jobs, Token

SOON = 10.0
"""Far above what any of these takes; reached only when something is broken."""


@pytest.fixture
def bugs():
    return []


@pytest.fixture
def jobs(bugs):
    pool = Jobs(lambda key, error: bugs.append((key, error)), size=8)
    yield pool
    assert pool.close(SOON) == ()


def test_one_key_runs_in_order(jobs):
    seen, done = [], threading.Event()
    for number in range(100):
        jobs.start("k", lambda _token, number=number: seen.append(number))
    jobs.start("k", lambda _token: done.set())
    assert done.wait(SOON)
    assert seen == list(range(100))


def test_one_key_never_runs_twice_at_once(jobs):
    running, most, done = [], [], threading.Event()

    def work(_token):
        running.append(1)
        most.append(len(running))
        running.pop()

    for _ in range(200):
        jobs.start("k", work)
        jobs.start("other", lambda _token: None)
    jobs.start("k", lambda _token: done.set())
    assert done.wait(SOON)
    assert max(most) == 1


def test_keys_run_at_the_same_time(jobs):
    meeting = threading.Barrier(4, timeout=SOON)
    done = threading.Semaphore(0)

    def work(_token):
        meeting.wait()
        done.release()

    for number in range(4):
        jobs.start(f"k{number}", work)
    assert all(done.acquire(timeout=SOON) for _ in range(4))


@pytest.mark.parametrize("attempt", range(50))
def test_no_wake_up_is_lost(jobs, attempt):
    """An idle thread that was woken for one job must not be counted on for the next: both run, though the first never ends."""
    first = threading.Event()
    jobs.start("warm", lambda _token: first.set())
    assert first.wait(SOON)
    second, third = threading.Event(), threading.Event()
    jobs.start("long", lambda token: (second.set(), token.wait(SOON)))
    jobs.start("short", lambda _token: third.set())
    assert second.wait(SOON)
    assert third.wait(SOON)
    jobs.cancel("long")


def test_many_rapid_starts_all_run(jobs):
    done = threading.Semaphore(0)
    for number in range(2000):
        jobs.start(f"k{number % 17}", lambda _token: done.release())
    assert all(done.acquire(timeout=SOON) for _ in range(2000))


def test_cancelling_reaches_running_and_waiting_jobs_of_that_key_only(jobs):
    begun, ended, ran = threading.Event(), threading.Event(), []

    def long(token):
        begun.set()
        try:
            token.wait(SOON)
        finally:
            ended.set()

    jobs.start("k", long)
    waiting = jobs.start("k", lambda _token: ran.append("k"))
    other = jobs.start("other", lambda token: token.wait(0.0))
    assert begun.wait(SOON)
    jobs.cancel("k")
    assert ended.wait(SOON)
    assert waiting.cancelled
    assert not other.cancelled
    assert jobs.close(SOON) == ()
    assert ran == []


def test_a_bug_is_reported_and_the_key_goes_on(jobs, bugs, caplog):
    done = threading.Event()

    def explode(_token):
        raise ValueError("oops")

    jobs.start("k", explode)
    jobs.start("k", lambda _token: done.set())
    assert done.wait(SOON)
    ((key, error),) = bugs
    assert key == "k"
    assert str(error) == "oops"
    assert "has a bug" in caplog.text


def test_a_cancelled_job_is_no_bug(jobs, bugs):
    done = threading.Event()

    def give_up(_token):
        raise Cancelled

    jobs.start("k", give_up)
    jobs.start("k", lambda _token: done.set())
    assert done.wait(SOON)
    assert bugs == []


def test_closing_cancels_and_refuses(jobs):
    begun, ran = threading.Event(), []
    jobs.start("k", lambda token: (begun.set(), token.wait(SOON)))
    jobs.start("k", lambda _token: ran.append(1))
    assert begun.wait(SOON)
    assert jobs.close(SOON) == ()
    assert jobs.start("late", lambda _token: ran.append(2)).cancelled
    assert ran == []


def test_closing_does_not_wait_longer_than_told(jobs):
    begun, go_on = threading.Event(), threading.Event()
    jobs.start("stubborn", lambda _token: (begun.set(), go_on.wait(SOON)))
    assert begun.wait(SOON)
    assert jobs.close(0.01) == ("stubborn",)
    go_on.set()


def test_a_token():
    token = Token()
    token.check()
    token.wait(0.0)
    token.cancel()
    with pytest.raises(Cancelled):
        token.check()
    with pytest.raises(Cancelled):
        token.wait(SOON)
