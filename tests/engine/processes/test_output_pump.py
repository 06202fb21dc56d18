from __future__ import annotations

import os

import pytest

from engine.process_parts.output_lines import Tail
from engine.processes.output_pump import lines_of, pump


def test_a_broken_descriptor_counts_as_the_end() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    assert list(lines_of(reader)) == []


def test_a_callback_that_raises_does_not_stop_the_reading() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"one\ntwo\nthree\n")
    os.close(writer)

    def on_line(line: str) -> None:
        raise ZeroDivisionError(line)

    tail = Tail()
    with pytest.raises(ZeroDivisionError):
        pump(reader, tail, on_line)
    os.close(reader)
    assert tail.lines() == ("one", "two", "three")
