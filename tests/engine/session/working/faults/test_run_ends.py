"""Who is named when several processes of a run end within a moment."""

from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.llama_cpp.crash_lines import fatal_error_in
from engine.session.events import ProcessStarted
from engine.session.working.faults.exit_problems import Ended
from engine.session.working.faults.run_ends import WHY, RunEnds
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.fault import FaultCause
from engine.vocabulary.running.process import ProcessId, ProcessOutcome
from tests.fakes.ports.fake_remote import FakeRemoteMachine, a_look, a_target
from tests.fakes.sessions.fake_outside import FakeJobs
from tests.fakes.states.cluster_states import ready

TARGET = a_target("lab1")
WORKER = ProcessStarted(
    id=ProcessId("w"), title="rpc-server for CPU", argv=("rpc",), endpoint="127.0.0.1:50052", machine_name="lab1",
    machine_id=TARGET.machine_id,
)  # fmt: skip
LLAMA = ProcessStarted(id=COORDINATOR, title="llama-server", argv=("llama-server",))
ABORTED = Ended(
    started=LLAMA,
    outcome=ProcessOutcome(exit_code=-6, stop_asked=False),
    fatal=fatal_error_in("Remote RPC server crashed or returned malformed response"),
)
KILLED = Ended(started=WORKER, outcome=ProcessOutcome(exit_code=-9, stop_asked=False))


@pytest.fixture
def machine():
    return FakeRemoteMachine(TARGET, a_look(TARGET, None, ""), None, None)


@pytest.fixture
def jobs():
    return FakeJobs()


@pytest.fixture
def ends(jobs, machine):
    return RunEnds(jobs, lambda machine_id: machine if machine_id == TARGET.machine_id else None)


@pytest.fixture
def told():
    return []


def test_a_worker_is_named_at_once(ends, told):
    ends.take(KILLED, told.append)
    assert [problem.fault.cause for problem in told] == [FaultCause.WORKER_ENDED]


def test_llama_server_waits_for_the_worker_that_ended_after_it(ends, jobs, told):
    jobs.held = {WHY}
    ends.take(ABORTED, told.append)
    assert told == []
    ends.take(KILLED, told.append)
    jobs.run_held()
    assert [problem and problem.fault.cause for problem in told] == [FaultCause.WORKER_ENDED, None]


def test_and_is_named_alone_when_nobody_else_ended(ends, told):
    ends.take(ABORTED, told.append)
    assert [problem.fault.cause for problem in told] == [FaultCause.COORDINATOR_ENDED]


def test_an_end_of_the_run_before_is_nobodys_fault(ends, told):
    ends.take(KILLED, told.append)
    ends.begin()
    ends.take(ABORTED, told.append)
    assert [problem.fault.cause for problem in told] == [FaultCause.WORKER_ENDED, FaultCause.COORDINATOR_ENDED]


def test_a_machine_that_is_silent_at_that_moment_is_the_reason(ends, machine, told):
    run = ready().run
    servers = tuple(replace(server, machine_id=TARGET.machine_id, machine_name="lab1") for server in run.servers)
    machine.silent_for = 5.0
    ends.take(replace(ABORTED, run=replace(run, servers=servers)), told.append)
    (problem,) = told
    assert (problem.fault.cause, problem.fault.machine_id) == (FaultCause.HOST_SILENT, TARGET.machine_id)


def test_what_was_asked_to_end_is_no_fault(ends, told):
    for ended in (KILLED, ABORTED):
        ends.take(replace(ended, outcome=replace(ended.outcome, stop_asked=True)), told.append)
    assert told == [None, None]


def test_how_long_a_machine_is_silent(ends, machine):
    machine.silent_for = 3.0
    assert ends.silent_seconds(TARGET.machine_id) == 3.0
    assert ends.silent_seconds(MachineId("another")) == ends.silent_seconds(None) == 0.0
