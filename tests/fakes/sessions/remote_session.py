"""A session on fakes to which remote machines are added, and what it posts, for tests of what becomes of them."""

from __future__ import annotations

from engine.session.reducing.reduce_remote import find_remote
from tests.fakes.ports.fake_remote import a_target
from tests.fakes.sessions.fake_outside import planned_session, settle

TARGET = a_target()
NAME = TARGET.host


def added(fakes, *names):
    """A session to which the machines were added, and everything that came of it has happened."""
    session, jobs = planned_session(fakes)
    session.add_machines(*(a_target(name) for name in names or (NAME,)))
    settle(session)
    return session, jobs


def seen(session, target=TARGET):
    settle(session)
    return find_remote(session.snapshot(), target)


class Listener:
    """In place of the inbox: keeps what goes in."""

    def __init__(self, session):
        self.events, self._inbox = [], session._inbox
        session._inbox = self
        self.get, self.qsize = self._inbox.get, self._inbox.qsize

    def put(self, event):
        self.events.append(event)
        self._inbox.put(event)

    def of(self, kind):
        return [event for event in self.events if type(event) is kind]
