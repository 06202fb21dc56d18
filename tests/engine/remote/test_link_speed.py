"""Bytes per second, as a machine takes them."""

import pytest

from engine.errors import Cancelled
from engine.remote.link_speed import PIECE_BYTES, measure_link
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled


class Stream:
    def __init__(self, exit_code):
        self.exit = exit_code
        self.sent = 0
        self.closed = False

    def send(self, data):
        self.sent += len(data)

    def close_input(self):
        pass

    def exit_code(self, timeout_seconds):
        return self.exit

    def close(self):
        self.closed = True


class Shell:
    def __init__(self, exit_code=0):
        self.stream = Stream(exit_code)

    def round_trip_seconds(self):
        return 0.002

    def open(self, command):
        return self.stream


def test_what_was_taken_is_counted_and_the_stream_closed():
    shell = Shell()
    link = measure_link(shell, NeverCancelled())
    assert link.rtt_seconds == 0.002
    assert link.bytes_per_second > 0
    assert shell.stream.closed


def test_a_command_that_failed_measured_nothing():
    link = measure_link(Shell(exit_code=127), NeverCancelled())
    assert (link.rtt_seconds, link.bytes_per_second) == (0.002, None)


def test_a_cancelled_measurement_closes_its_stream():
    shell = Shell()
    with pytest.raises(Cancelled):
        measure_link(shell, CancelledWhen(lambda: shell.stream.sent >= 2 * PIECE_BYTES))
    assert shell.stream.closed
