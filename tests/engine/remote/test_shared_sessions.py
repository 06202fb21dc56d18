"""More programs on a machine than its ssh server allows sessions on one connection."""

import pytest

from engine.errors import MachineUnreachable
from engine.remote.shared_sessions import PROGRAMS_PER_CONNECTION, SharedSessions
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from tests.fakes.ports.fake_process_starter import FakeProcessStarter, FakeProgram


class Shell:
    def __init__(self):
        self.alive, self.n_closed = True, 0

    def is_alive(self):
        return self.alive

    def close(self):
        self.alive = False
        self.n_closed += 1


class Machine:
    def __init__(self):
        self.shells = [Shell()]
        self.starters = {}
        self.fails = None
        self.sessions = SharedSessions(self.shells[0], self.another, self.starter_on)

    def another(self):
        if self.fails is not None:
            raise self.fails
        self.shells.append(Shell())
        return self.shells[-1]

    def starter_on(self, shell):
        self.starters[shell] = FakeProcessStarter({"worker": FakeProgram()})
        return self.starters[shell]

    def start(self, count):
        spec = ProcessSpec(id=ProcessId("w"), argv=("worker",))
        return [self.sessions.start(spec, lambda _line: None, lambda _outcome: None) for _ in range(count)]

    def carried(self):
        return [len(self.starters[shell].running()) for shell in self.shells]


def test_a_full_connection_gets_a_second_one_and_no_more_than_needed():
    machine = Machine()
    machine.start(PROGRAMS_PER_CONNECTION)
    assert machine.carried() == [6]
    machine.start(3)
    assert machine.carried() == [6, 3]


def test_room_that_was_given_back_is_used_again():
    machine = Machine()
    started = machine.start(PROGRAMS_PER_CONNECTION)
    started[0].stop()
    machine.start(1)
    assert machine.carried() == [6]


def test_a_lost_connection_is_passed_over():
    machine = Machine()
    machine.shells[0].alive = False
    machine.start(1)
    assert machine.carried() == [0, 1]


def test_a_login_that_fails_is_told_and_leaves_the_rest_as_it_was():
    machine = Machine()
    machine.start(PROGRAMS_PER_CONNECTION)
    machine.fails = MachineUnreachable("gone")
    with pytest.raises(MachineUnreachable, match="gone"):
        machine.start(1)
    machine.fails = None
    machine.start(1)
    assert machine.carried() == [6, 1]


def test_only_what_was_opened_here_is_closed_here():
    machine = Machine()
    machine.start(PROGRAMS_PER_CONNECTION + 1)
    machine.sessions.close()
    assert [shell.alive for shell in machine.shells] == [True, False]


def test_a_lost_one_that_was_opened_here_is_closed_and_forgotten():
    """Else each loss left its connections to the machines on the way open, for as long as the first connection lasts."""
    machine = Machine()
    machine.start(PROGRAMS_PER_CONNECTION + 1)
    machine.shells[1].alive = False
    machine.start(1)
    assert [shell.n_closed for shell in machine.shells] == [0, 1, 0]
    machine.sessions.close()
    assert [shell.n_closed for shell in machine.shells] == [0, 1, 1]
