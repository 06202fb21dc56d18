"""Which workers are left running, and how a launch finds them again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import RpcServerUnusable
from engine.session.session import Session
from engine.session.working.launching.adopt_kept import keeps_there, why_not_kept
from engine.session.working.launching.prepare_run import prepare_run
from engine.vocabulary.remote import KeptProcess
from engine.vocabulary.running.process import ProcessId
from tests.fakes.sessions.fake_lab import FakeLab, id_of
from tests.fakes.sessions.fake_outside import settle


def keeping(lab: FakeLab) -> Session:
    lab.session.choose(replace(lab.session.snapshot().choices, keep_running=True))
    settle(lab.session)
    return lab.session


def rpc_servers(lab: FakeLab, name: str) -> list[tuple[str, ...]]:
    return [process.spec.argv for process in lab.machines[name].starter.running()]


def left_behind(lab: FakeLab, name: str, argv: tuple[str, ...]) -> None:
    machine = lab.machines[name]
    kept = KeptProcess(name="0" * 16, process_id=ProcessId("rpc-server x"), pid=7, argv=argv, started_by="ada@desk")
    machine.seen = replace(machine.seen, kept=(kept,))
    machine.asker.left.add(int(argv[argv.index("-p") + 1]))
    lab.session.remotes.look_again()
    settle(lab.session)


def test_only_when_it_is_wanted_and_possible_and_never_here():
    lab = FakeLab("one")
    assert not keeps_there(lab.session.snapshot(), id_of("one"))
    state = keeping(lab).snapshot()
    assert keeps_there(state, id_of("one"))
    assert not any(keeps_there(state, machine.id) for machine in state.machines[:1])


def test_closing_leaves_them_and_stop_does_not():
    lab = FakeLab("one")
    keeping(lab)
    lab.launch()
    [process] = lab.machines["one"].starter.running()
    assert process.spec.keeps_running
    assert all(not here.spec.keeps_running for here in lab.fakes.starter.running())
    lab.session.close()
    settle(lab.session)
    assert process.is_alive()
    assert lab.fakes.starter.running() == ()


def test_closing_can_take_them_along():
    lab = FakeLab("one")
    keeping(lab)
    lab.launch()
    [process] = lab.machines["one"].starter.running()
    lab.session.close(keep_running=False)
    settle(lab.session)
    assert not process.is_alive()
    assert not any(process.keeps_running for process in lab.session.snapshot().processes)


def test_a_stopped_run_leaves_nothing():
    lab = FakeLab("one")
    keeping(lab)
    lab.launch()
    lab.session.stop()
    settle(lab.session)
    assert lab.machines["one"].starter.running() == ()


@pytest.mark.parametrize("port", [50052, 50099])
def test_a_launch_takes_the_port_of_one_just_like_it(port):
    lab = FakeLab("one")
    keeping(lab)
    lab.launch()
    [argv] = rpc_servers(lab, "one")
    lab.session.stop()
    settle(lab.session)
    moved = tuple(str(port) if word == "50052" else word for word in argv)
    left_behind(lab, "one", moved)
    lab.launch()
    assert rpc_servers(lab, "one") == [moved]


def left_by_an_earlier_run(lab: FakeLab) -> tuple[str, ...]:
    keeping(lab)
    lab.launch()
    [argv] = rpc_servers(lab, "one")
    lab.session.stop()
    settle(lab.session)
    left_behind(lab, "one", argv)
    return argv


def test_one_that_serves_another_crossply_now_is_neither_taken_nor_stopped():
    lab = FakeLab("one")
    argv = left_by_an_earlier_run(lab)
    lab.machines["one"].asker.state = "busy"
    posted = []
    prepare_run(lab.fakes.outside(), lab.session.snapshot(), posted.append, lab.session.remotes.machine)
    server = next(server for server in posted[-1].servers if server.machine_name == "one")
    assert argv[argv.index("-p") + 1] == "50052"
    assert server.listens_on == "127.0.0.1:50053"


def test_one_whose_port_cannot_be_asked_is_not_taken():
    lab = FakeLab("one")
    left_by_an_earlier_run(lab)

    def nobody(*_arguments: object, **_options: object) -> None:
        raise RpcServerUnusable("127.0.0.1:50052 cannot be reached.")

    lab.machines["one"].asker.ask = nobody
    posted = []
    prepare_run(lab.fakes.outside(), lab.session.snapshot(), posted.append, lab.session.remotes.machine)
    server = next(server for server in posted[-1].servers if server.machine_name == "one")
    assert server.listens_on == "127.0.0.1:50053"


def test_one_with_a_cache_is_no_match_when_there_is_no_cache_this_time():
    """It would be started beside it on the very port that it has, at every attempt."""
    lab = FakeLab("one")
    argv = left_by_an_earlier_run(lab)
    lab.machines["one"].no_cache = "another Crossply loads a model into that cache now"
    lab.launch()
    [started] = rpc_servers(lab, "one")
    assert "-c" in argv
    assert "-c" not in started
    assert started[started.index("-p") + 1] == "50053"
    notes = " ".join(lab.session.snapshot().run.plan.notes)
    assert "The workers of one keep no cache this time: another Crossply" in notes


def test_another_command_line_is_left_alone():
    lab = FakeLab("one")
    keeping(lab)
    left_behind(lab, "one", ("/else/rpc-server", "-H", "127.0.0.1", "-p", "50099"))
    lab.launch()
    [argv] = rpc_servers(lab, "one")
    assert argv[argv.index("-p") + 1] == "50052"


def test_a_machine_that_cannot_keep_them_is_named():
    lab = FakeLab("one")
    machine = lab.machines["one"]
    machine.seen = replace(machine.seen, facts=replace(machine.seen.facts, can_keep=False))
    lab.session.remotes.look_again()
    state = keeping(lab).snapshot()
    [sentence] = why_not_kept(state, state.plan)
    assert sentence.startswith("one cannot keep programs running")
    posted = []
    prepare_run(lab.fakes.outside(), state, posted.append, lab.session.remotes.machine)
    assert sentence in posted[-1].plan.notes


def test_stopping_what_was_left_looks_again():
    lab = FakeLab("one")
    left_behind(lab, "one", ("/a/rpc-server", "-p", "50099"))
    lab.session.remotes.stop_kept(id_of("one"))
    settle(lab.session)
    [remote] = lab.session.snapshot().remotes
    assert remote.look.kept == ()
