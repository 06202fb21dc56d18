"""A run that hangs is seen, one that only takes long is not."""

import contextlib

import pytest

from engine.cluster.servers import COORDINATOR
from engine.errors import Cancelled
from engine.ports import WorkDone
from engine.session import events
from engine.session.working.faults.hang_problems import Suspect
from engine.session.working.faults.hang_watch import LEAST_SENT_BYTES, HangWatch
from engine.session.working.watch_coordinator import CoordinatorWatch
from engine.vocabulary.running.fault import FaultCause
from engine.vocabulary.running.process import ProcessCondition, ProcessSpec
from tests.fakes.sessions.fake_outside import TIMINGS, FakeClock, FakeCoordinator, Fakes, FakeToken
from tests.fakes.states.cluster_states import ready

LLAMA = events.ProcessStarted(id=COORDINATOR, title="llama-server", argv=("llama-server",))


class Bench:
    """A watch, what it looks at, and what it posts."""

    def __init__(self):
        self.posted, self.condition, self.sent, self.n_looks = [], ProcessCondition.RUNNING, 0, 0
        self.client, self.clock = FakeCoordinator(), FakeClock()
        self.watch = CoordinatorWatch(ready().run, self.posted.append)
        self.watch.measured = TIMINGS
        self.process = Fakes().starter.start(
            ProcessSpec(id=COORDINATOR, argv=("llama-server",)), lambda _line: None, lambda _outcome: None
        )
        self.hangs = HangWatch(self.watch, self.client, self.suspects, lambda: self.sent, self.posted.append)

    def suspects(self):
        self.n_looks += 1
        return (Suspect(started=LLAMA, pid=1, condition=self.condition),)

    def follow(self, *steps):
        """Each step is (seconds that pass, what happens)."""
        steps = iter(steps)

        class Steps(FakeToken):
            def wait(token, seconds):  # noqa: N805 - self is the bench
                step = next(steps, None)
                if step is None:
                    raise Cancelled
                self.clock.seconds += step[0]
                step[1]()

        with contextlib.suppress(Cancelled):
            self.hangs.follow(self.process, self.clock, Steps())
        return [event.problem for event in self.posted if isinstance(event, events.ProblemHappened)]


@pytest.fixture
def bench():
    return Bench()


def nothing():
    """Happens."""


def test_a_load_without_lines_and_bytes_hangs(bench):
    (problem,) = bench.follow((200, nothing), (200, nothing))
    assert problem.fault.cause is FaultCause.HANG
    assert "loads the model" in problem.happened
    assert bench.posted[-1].ends_run


def test_lines_are_progress(bench):
    assert bench.follow(*[(200, lambda: bench.watch.take("x"))] * 10) == []


def test_bytes_through_a_tunnel_are_progress_and_keep_alives_are_not(bench):
    def send(n):
        bench.sent += n

    assert bench.follow(*[(200, lambda: send(LEAST_SENT_BYTES))] * 10) == []
    assert bench.follow(*[(200, lambda: send(100))] * 3) != []


@pytest.mark.parametrize("answers", [True, False], ids=["still answers", "answers no more"])
def test_a_serving_one_that_works_and_does_no_batch_hangs(bench, answers):
    bench.watch.serving = True
    assert bench.follow(*[(3, nothing)] * 20) == [], "it works on nothing"
    bench.client.works, bench.client.answers = True, answers
    (problem,) = bench.follow(*[(3, nothing)] * 30)
    assert "works on a request" in problem.happened


def test_a_batch_takes_as_long_as_it_takes(bench):
    bench.watch.serving, bench.client.works = True, True

    def one_more():
        bench.client.n_batches += 1

    assert bench.follow((20, nothing), (1, one_more), (40, nothing), (1, one_more), (70, nothing), (1, one_more)) == []


def test_one_that_tells_nothing_of_its_work_is_believed(bench):
    bench.watch.serving = True
    bench.client.work_done = lambda: WorkDone(requests=1)
    assert bench.follow(*[(3, nothing)] * 30) == []


def test_one_that_lives_and_takes_no_connections_any_more_has_ended(bench):
    """As llama-server does after SIGTERM, when a request waited for a slot."""
    bench.watch.serving = True
    assert bench.follow(*[(1, nothing)] * 20) == []
    bench.client.work_done = lambda: WorkDone(requests=0, takes_requests=False)
    assert bench.follow(*[(1, nothing)] * 6) == [], "it may be on its way to its end"
    (problem,) = bench.follow(*[(1, nothing)] * 9)
    assert (problem.fault.cause, bench.posted[-1].ends_run) == (FaultCause.COORDINATOR_ENDED, True)
    assert "does not come to its end" in problem.happened


def test_a_stopped_process_is_named_without_waiting_for_the_limit(bench):
    bench.watch.serving, bench.client.answers, bench.condition = True, False, ProcessCondition.STOPPED
    (problem,) = bench.follow((4, nothing))
    assert problem.happened.startswith("llama-server is stopped")


def test_a_stopped_process_is_named_while_nobody_asks_anything(bench):
    bench.watch.serving, bench.condition = True, ProcessCondition.STOPPED
    assert bench.follow(*[(1, nothing)] * 5) == []
    (problem,) = bench.follow(*[(1, nothing)] * 7)
    assert problem.happened.startswith("llama-server is stopped")


def test_the_processes_are_looked_at_more_and_more_seldom(bench):
    bench.watch.serving, bench.client.works = True, True
    bench.follow(*[(1, nothing)] * 20)
    assert bench.n_looks == 3  # after 3, 6 and 12 s


def test_one_that_ends_is_told_by_others(bench):
    assert bench.follow((100, lambda: bench.process.exit(134))) == []
