"""What a process has written."""

import os
import sys

import pytest

from engine.machines.process_io import written_bytes


@pytest.mark.parametrize(
    ("text", "expected"), [("rchar: 5\nwchar: 123\nsyscr: 1\n", 123), ("wchar: -1\n", None), ("wchar: x\n", None), ("", None)]
)
def test_the_systems_own_count_is_read(tmp_path, text, expected):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "io").write_text(text)
    assert written_bytes(7, tmp_path) == expected


def test_a_process_that_is_not_there_has_no_count(tmp_path):
    assert written_bytes(7, tmp_path) is None


def test_what_this_process_writes_into_a_pipe_is_counted():
    before = written_bytes(os.getpid())
    reader, writer = os.pipe()
    os.write(writer, b"x" * 5000)
    os.close(reader)
    os.close(writer)
    after = written_bytes(os.getpid())
    if sys.platform == "linux":
        assert before is not None
        assert after is not None
        assert after - before >= 5000
    else:
        assert after is None
