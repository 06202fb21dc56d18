"""Programs that are run to their end: what they print, and that nothing of them stays."""

import sys

import pytest

from engine.errors import Cancelled, ProcessFailed
from engine.runtimes.run_program import run_to_end, run_with_lines, short_lived_server
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled
from tests.fakes.ended_processes import ends


def python(code):
    return (sys.executable, "-c", code)


def test_both_streams_and_the_status_come_back():
    output = run_to_end(python("import sys; print('out'); sys.exit('err')"), timeout_seconds=30)
    assert (output.exit_code, output.stdout.strip(), output.stderr.strip()) == (1, "out", "err")
    assert "out" in output.text
    assert "err" in output.text


def test_additions_to_the_environment_leave_the_rest(monkeypatch):
    monkeypatch.setenv("KEPT", "1")
    code = "import os; print(os.environ['KEPT'] + os.environ['ADDED'])"
    assert run_to_end(python(code), timeout_seconds=30, environment={"ADDED": "2"}).stdout.strip() == "12"


def test_bytes_that_are_no_text_do_no_harm():
    assert run_to_end(python("import sys; sys.stdout.buffer.write(b'a\\xff')"), timeout_seconds=30).stdout == "a�"


def test_what_does_not_end_in_time_is_ended_and_an_error():
    with pytest.raises(ProcessFailed, match=r"did not end within 0\.2 s"):
        run_to_end(python("import time; time.sleep(60)"), timeout_seconds=0.2)


def test_a_program_that_is_not_there_is_an_error_that_names_it(tmp_path):
    missing = str(tmp_path / "missing")
    with pytest.raises(ProcessFailed, match=missing):
        run_to_end((missing,), timeout_seconds=1)
    with pytest.raises(ProcessFailed, match=missing):
        run_with_lines((missing,), on_line=print, token=NeverCancelled())
    with pytest.raises(ProcessFailed, match=missing), short_lived_server((missing,)):
        raise AssertionError("it cannot be running")


def test_every_line_is_handed_over_in_order_and_the_status_comes_back(tmp_path):
    lines = []
    code = "import os, sys; [print(i) for i in range(1000)]; print(os.getcwd(), file=sys.stderr); sys.exit(3)"
    assert run_with_lines(python(code), on_line=lines.append, token=NeverCancelled(), folder=tmp_path) == 3
    assert sorted(lines[:1000], key=len)[0] == "0"
    assert str(tmp_path) in lines
    assert [line for line in lines if line.isdecimal()] == [str(i) for i in range(1000)]


def test_cancelling_ends_the_program_and_its_children():
    lines = []
    code = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    with pytest.raises(Cancelled):
        run_with_lines(python(code), on_line=lines.append, token=CancelledWhen(lambda: bool(lines)))
    assert ends(int(lines[0]), limit_seconds=5), "the child outlived its parent"


def test_an_error_of_the_reader_ends_the_program_too():
    def fail(line):
        raise RuntimeError(line)

    with pytest.raises(RuntimeError, match="hello"):
        run_with_lines(python("print('hello', flush=True); import time; time.sleep(60)"), on_line=fail, token=NeverCancelled())


def test_a_short_lived_server_ends_with_its_block():
    with short_lived_server(("sleep", "60")) as is_alive:
        assert is_alive()
    assert not is_alive()
