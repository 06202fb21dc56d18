"""After a sleep every connection is looked at, and a run over machines is told why it may end."""

import contextlib

from engine.errors import Cancelled
from engine.session.jobs import Token
from engine.session.working.faults.sleep_watch import HEARD_SECONDS, watch_sleep
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import Fakes, settle
from tests.fakes.sessions.remote_session import NAME, added


class Steps(Token):
    """Each wait takes one step of the world; then it is cancelled."""

    def __init__(self, *steps):
        super().__init__()
        self.steps = iter(steps)

    def wait(self, seconds):
        step = next(self.steps, None)
        if step is None:
            raise Cancelled
        step()


def watched(*steps, launch=True):
    """The machine, and what was said, after these steps."""
    fakes = Fakes()
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    fakes.starter.will_run("ssh", FakeProgram())
    if launch:
        session.launch()
        settle(session)
    with contextlib.suppress(Cancelled):
        watch_sleep(
            fakes.clock, session.remotes, session.snapshot, session.post, Steps(*(lambda s=s: s(fakes.clock) for s in steps))
        )
    problems = [problem.happened for problem in settle(session).problems]
    return machine.doubted, [happened for happened in problems if "slept" in happened]


def sleeps(seconds):
    def step(clock):
        clock.slept += seconds

    return step


def test_a_sleep_is_noticed_once():
    doubted, said = watched(sleeps(0), sleeps(320), sleeps(0))
    assert doubted == [HEARD_SECONDS]
    assert said == ["This machine slept for 320 s while a cluster was up."]


def test_without_a_run_nothing_is_said():
    doubted, said = watched(sleeps(320), launch=False)
    assert (doubted, said) == ([HEARD_SECONDS], [])


def test_clocks_that_are_read_one_after_the_other_are_no_sleep():
    assert watched(sleeps(0.1), sleeps(-0.1)) == ([], [])
