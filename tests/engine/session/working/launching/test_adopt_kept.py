"""Which workers are left running, and how a launch finds them again."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
