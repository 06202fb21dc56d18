"""Who runs, and how others see and stop it."""

import json
import os
import signal

import pytest

from engine.run_files import run_file
from engine.run_files.run_file import LOCK_FILE, RUN_FILE, RunPublisher, ask_to_stop, is_running, read_running


@pytest.fixture
def publisher(tmp_path):
    held = RunPublisher(tmp_path)
    assert held.claim()
    yield held
    held.release()


@pytest.fixture
def killed(monkeypatch):
    signals = []
    monkeypatch.setattr(run_file.os, "kill", lambda pid, number: signals.append((pid, number)))
    return signals


def test_nothing_runs_in_an_empty_folder(tmp_path, killed):
    assert not is_running(tmp_path)
    assert read_running(tmp_path / "none") is None
    assert not ask_to_stop(tmp_path)
    assert killed == []


def test_only_one_can_run(tmp_path, publisher):
    assert is_running(tmp_path)
    second = RunPublisher(tmp_path)
    assert not second.claim()
    second.publish({"phase": "not mine"})
    second.release()
    assert read_running(tmp_path) is None
    assert is_running(tmp_path), "the one that failed has not let go of the other's lock"


def test_the_second_is_the_one_that_runs_when_the_first_has_ended(tmp_path, publisher, killed):
    second = RunPublisher(tmp_path)
    assert not second.claim()
    second.publish({"phase": "ready"})
    publisher.release()
    assert not is_running(tmp_path)
    second.publish({"phase": "ready"})
    assert read_running(tmp_path) == {"pid": os.getpid(), "phase": "ready"}
    assert ask_to_stop(tmp_path)
    second.release()
    second.publish({"phase": "stopped"})
    assert not is_running(tmp_path), "who has let go does not come back by a late word"


def test_others_see_what_is_published(tmp_path, publisher):
    publisher.publish({"phase": "ready"})
    assert read_running(tmp_path) == {"pid": os.getpid(), "phase": "ready"}
    publisher.publish({"phase": "stopping"})
    assert read_running(tmp_path)["phase"] == "stopping"
    assert sorted(path.name for path in tmp_path.iterdir()) == [RUN_FILE, LOCK_FILE]


def test_the_same_state_is_not_written_again(tmp_path, publisher):
    publisher.publish({"phase": "ready"})
    before = (tmp_path / RUN_FILE).stat().st_ino
    publisher.publish({"phase": "ready"})
    assert (tmp_path / RUN_FILE).stat().st_ino == before


def test_a_state_that_could_not_be_written_is_tried_again(tmp_path, publisher, monkeypatch):
    def full(_path, _content, *, flushed):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(run_file, "write_atomically", full)
        with pytest.raises(OSError, match="full"):
            publisher.publish({"phase": "ready"})
    publisher.publish({"phase": "ready"})
    assert read_running(tmp_path)["phase"] == "ready"


def test_letting_go(tmp_path, publisher, killed):
    publisher.publish({"phase": "ready"})
    publisher.release()
    publisher.release()
    assert not is_running(tmp_path)
    assert read_running(tmp_path) is None
    assert not (tmp_path / RUN_FILE).exists()
    assert publisher.claim()


def test_a_file_that_a_killed_one_left_is_not_running(tmp_path, killed):
    (tmp_path / RUN_FILE).write_text(json.dumps({"pid": 1, "phase": "ready"}))
    (tmp_path / LOCK_FILE).write_text("")
    assert read_running(tmp_path) is None
    assert not ask_to_stop(tmp_path)
    assert killed == []


def test_the_pid_of_a_killed_one_is_never_taken_for_the_new_one(tmp_path, killed):
    (tmp_path / RUN_FILE).write_text(json.dumps({"pid": 1, "phase": "ready"}))
    publisher = RunPublisher(tmp_path)
    assert publisher.claim()
    assert read_running(tmp_path) is None
    assert not ask_to_stop(tmp_path)
    assert killed == []
    publisher.release()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"phase": "ready"}'])
def test_a_damaged_file_stops_nobody(tmp_path, publisher, killed, content):
    (tmp_path / RUN_FILE).write_bytes(content)
    assert not ask_to_stop(tmp_path)
    assert killed == []


def test_asking_to_stop(tmp_path, publisher, killed):
    publisher.publish({"phase": "ready"})
    assert ask_to_stop(tmp_path)
    assert killed == [(os.getpid(), signal.SIGTERM)]


def test_one_that_ended_between_the_two_looks(tmp_path, publisher, monkeypatch):
    def gone(_pid, _number):
        raise ProcessLookupError

    publisher.publish({"phase": "ready"})
    monkeypatch.setattr(run_file.os, "kill", gone)
    assert ask_to_stop(tmp_path)
