"""A session on fakes without a thread: it is drained whenever somebody looks at it. For what waits in a loop, as the command
line does: each look brings the world one step further, and nothing sleeps."""

from __future__ import annotations

from engine.session.jobs import Jobs
from engine.session.outside import Outside
from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from tests.fakes.sessions.fake_outside import FakeJobs


class DrainedSession(Session):
    """Looks are the clock."""

    def __init__(self, outside: Outside, choices: Choices | None = None, *, jobs: Jobs | None = None) -> None:
        self._busy = True  # the remote machines are given snapshot() before all is built
        fake = FakeJobs()
        super().__init__(outside, choices, jobs=jobs or fake)
        fake.on_bug = self.on_bug
        self._busy = False

    def snapshot(self) -> ClusterState:
        if not self._busy:
            self._busy = True
            try:
                self.drain()
            finally:
                self._busy = False
        return super().snapshot()

    def start(self) -> None:
        self.look_again()
        if self._chosen.model_path is not None:
            self._read_model(self._chosen.model_path)

    def join(self, seconds: float = 1.0) -> bool:
        self.snapshot()
        self.snapshot()
        self.remotes.close()
        return True
