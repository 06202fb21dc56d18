"""What a tunnel has carried is what its ssh has written since it was open."""

import contextlib
from types import SimpleNamespace

import pytest

from engine.errors import Cancelled
from engine.session.remote_events import TunnelCarried
from engine.session.working.count_tunnels import TunnelCounts


class Wire:
    """Two tunnels' counters, and what is done at each pause of the one that is followed."""

    def __init__(self):
        self.written, self.posted = {1: 500, 2: 500}, []
        self.counts = TunnelCounts(self.written.get, self.posted.append)
        self.alive = True

    def follow(self, *pauses, machine_id="lab1", pid=1):
        steps = iter(pauses)

        def wait(_seconds):
            step = next(steps, None)
            if step is None:
                raise Cancelled
            step()

        process = SimpleNamespace(pid=pid, is_alive=lambda: self.alive)
        with contextlib.suppress(Cancelled):
            self.counts.follow(machine_id, process, SimpleNamespace(wait=wait))

    def write(self, pid, count):
        self.written[pid] += count

    @property
    def told(self):
        return [(event.machine_id, event.sent_bytes) for event in self.posted if isinstance(event, TunnelCarried)]


@pytest.fixture
def wire():
    return Wire()


def test_it_tells_changes_without_what_logging_in_took(wire):
    wire.follow(lambda: wire.write(1, 100), lambda: None, lambda: wire.write(1, 20))
    assert wire.told == [("lab1", 100), ("lab1", 120)]


def test_all_of_them_are_told_between_two_readings(wire):
    """When the model is loaded its last half second must not be missing."""

    def both_open():
        wire.write(1, 10)
        wire.write(2, 20)
        wire.counts.tell_now()
        assert wire.counts.total_bytes() == 500 + 10 + 500 + 20

    wire.follow(lambda: wire.follow(both_open, machine_id="lab2", pid=2))
    assert wire.told == [("lab1", 10), ("lab2", 20)]


def test_one_that_has_ended_is_not_counted_any_more(wire):
    wire.follow(lambda: setattr(wire, "alive", False))
    wire.write(1, 10)
    wire.counts.tell_now()
    assert (wire.told, wire.counts.total_bytes()) == ([], 0)


def test_where_the_system_does_not_count_nothing_is_told(wire):
    wire.written.clear()
    wire.follow(lambda: pytest.fail("there is nothing to wait for"))
    assert wire.told == []


def test_a_counter_that_goes_away_tells_nothing(wire):
    wire.follow(wire.written.clear, lambda: None)
    assert wire.told == []
