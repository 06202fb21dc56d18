"""``crossplyctl node --serve``: started, shown, started again, stopped."""

import threading

import pytest

from engine.cli import node, serve_node
from engine.cli.main import main
from engine.cli.serve_node import ENDS_WITHIN_SECONDS, MOST_ENDS, PAUSE_SECONDS, serve, specs_of
from engine.run_files.offered_workers import say_how_it_ended
from engine.runtimes.worker_cache import prune
from engine.session.state import Choices
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from tests.fakes.ports.fake_process_starter import FakeProcessStarter, FakeProgram
from tests.fakes.sessions.fake_outside import Fakes
from tests.fakes.states.cluster_pieces import hybrid_machine


class Clock:
    """Time passes while it is waited."""

    def __init__(self, at=None):
        self.now = 100.0
        self.at = at or {}
        self.waits = 0

    def wait(self, seconds):
        self.now += seconds
        self.waits += 1
        what = self.at.get(self.waits)
        return what() if what else False


def spec(port=50052):
    argv = ("/x/ggml-rpc-server", "-H", "127.0.0.1", "-p", str(port))
    return ProcessSpec(id=ProcessId(f"rpc-server 127.0.0.1:{port}"), argv=argv)


@pytest.fixture
def starter():
    return FakeProcessStarter({"ggml-rpc-server": FakeProgram()})


def records(folder):
    return sorted(path.suffix for path in (folder / "kept").glob("*"))


def test_they_run_until_it_is_asked_to_stop_and_nothing_is_left(starter, tmp_path, capsys):
    seen = []
    clock = Clock({1: lambda: seen.extend(records(tmp_path)), 2: lambda: True})
    assert serve((spec(), spec(50053)), starter, tmp_path, clock.wait, lambda: clock.now) == 0
    assert seen == [".json", ".json"]
    assert [process.is_alive() for process in starter.started] == [False, False]
    assert records(tmp_path) == []
    assert capsys.readouterr().out.count("loopback only") == 2


def test_one_that_ends_is_started_again_after_a_pause(starter, tmp_path, capsys):
    clock = Clock({1: lambda: starter.started[0].exit(139), 2 + int(PAUSE_SECONDS * 4): lambda: True})
    assert serve((spec(),), starter, tmp_path, clock.wait, lambda: clock.now) == 0
    assert len(starter.started) == 2
    assert "rpc-server 127.0.0.1:50052 ended by signal 11 (SIGSEGV)" in capsys.readouterr().err


def test_a_weight_that_a_worker_was_writing_when_it_ended_is_not_there_for_the_next(starter, tmp_path):
    cache = tmp_path / "served-workers"
    (cache / "rpc").mkdir(parents=True)
    half, seen = cache / "rpc" / "half", []
    half.write_bytes(b"left by a service that was killed")

    def dies_while_it_writes():
        seen.append(half.exists())
        half.write_bytes(b"x")
        starter.started[0].exit(137)

    clock = Clock({1: dies_while_it_writes, 2 + int(PAUSE_SECONDS * 4): lambda: seen.append(half.exists()) or True})
    assert serve((spec(),), starter, tmp_path, clock.wait, lambda: clock.now, empty_cache=lambda: prune(cache, 0)) == 0
    assert len(starter.started) == 2
    assert seen == [False, False]


def test_one_that_keeps_ending_stops_the_service(tmp_path, capsys):
    starter = FakeProcessStarter({"ggml-rpc-server": FakeProgram(exit_code=1, lines=("the port is taken",))})
    clock = Clock()
    assert serve((spec(),), starter, tmp_path, clock.wait, lambda: clock.now) == 1
    assert len(starter.started) == MOST_ENDS
    assert clock.now - 100.0 < ENDS_WITHIN_SECONDS
    said = capsys.readouterr().err
    assert "the port is taken" in said
    assert f"ended {MOST_ENDS} times" in said
    assert records(tmp_path) == []


def test_one_that_cannot_be_started_is_said_and_the_others_are_stopped(tmp_path, capsys):
    starter = FakeProcessStarter({"ggml-rpc-server": FakeProgram(), "other": FakeProgram(why_it_cannot_start="no such file")})
    other = ProcessSpec(id=ProcessId("other"), argv=("/x/other",))
    assert serve((spec(), other), starter, tmp_path, Clock().wait) == 1
    assert not starter.started[0].is_alive()
    assert "no such file" in capsys.readouterr().err
    assert records(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_said_and_the_workers_run(starter, tmp_path, capsys):
    (tmp_path / "kept").write_text("in the way")
    clock = Clock({2: lambda: True})
    assert serve((spec(),), starter, tmp_path, clock.wait, lambda: clock.now) == 0
    assert "cannot be shown to others" in capsys.readouterr().err


def test_how_one_ended_is_not_left_behind_when_it_is_written_late(starter, tmp_path, monkeypatch):
    writing, go_on = threading.Event(), threading.Event()

    def slowly(*arguments):
        writing.set()
        assert go_on.wait(20)
        say_how_it_ended(*arguments)

    monkeypatch.setattr(serve_node, "say_how_it_ended", slowly)
    (tmp_path / "kept").mkdir()
    worker = serve_node.ServedWorker(spec(), starter, tmp_path / "kept", lambda: 0.0, lambda: None)
    worker.start()
    ended = threading.Thread(target=starter.started[0].exit, args=(0,))
    ended.start()
    assert writing.wait(20)
    stopped = threading.Thread(target=worker.stop)
    stopped.start()
    stopped.join(0.05)  # had it not waited for the writer, all would be withdrawn by now
    go_on.set()
    ended.join(20)
    stopped.join(20)
    assert records(tmp_path) == []


def test_only_workers_in_ram_are_held_to_a_limit(monkeypatch):
    fakes = Fakes()
    fakes.probe = OneMachine()
    monkeypatch.setattr(node, "real_outside", fakes.outside)
    here = node._this_node(Choices())
    specs = specs_of(here.servers, here.runtime, here.dialect, "/cache")
    assert [bool(spec.memory_limit_bytes) for spec in specs] == [True, False, False]
    assert all(spec.argv[1:3] == ("-H", "127.0.0.1") for spec in specs)


def test_it_is_for_this_machine(capsys):
    assert main(["node", "--serve", "--machine", "ada@one"]) == 2
    assert "for this machine" in capsys.readouterr().err


class OneMachine:
    def look(self, devices):
        return hybrid_machine()
