"""What is said when a process ended and nobody asked for it, and which fault it is."""

from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.llama_cpp.crash_lines import fatal_error_in
from engine.session.events import ProcessStarted
from engine.session.working.faults.exit_problems import SHOWN_LINES, Ended, machine_of, problem_of_exit
from engine.session.working.watch_coordinator import CoordinatorWatch
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import ProblemKind
from engine.vocabulary.running.process import ConnectionLoss, ProcessId, ProcessOutcome
from engine.vocabulary.worker import WorkerId, native
from tests.fakes.sessions.fake_outside import RECORDED
from tests.fakes.states.cluster_states import ready

LAB = MachineId("ada@lab1")
W = WorkerId("ada@lab1/cpu")
WORKER = ProcessStarted(
    id=ProcessId("w"),
    title="rpc-server for CPU",
    argv=("rpc", "a b"),
    endpoint="127.0.0.1:50052",
    machine_name="lab1",
    machine_id=LAB,
    worker_ids=(W,),
)
TUNNEL = ProcessStarted(id=ProcessId("tunnel ada@lab1"), title="tunnel to lab1", argv=("ssh",), machine_id=LAB)
LLAMA = ProcessStarted(id=COORDINATOR, title="llama-server", argv=("llama-server",))
GONE = ProcessOutcome(exit_code=0, stop_asked=False)
CRASHED = ProcessOutcome(exit_code=-6, stop_asked=False)
KILLED = ProcessOutcome(exit_code=-9, stop_asked=False)


def lost(loss):
    return ProcessOutcome(exit_code=None, stop_asked=False, loss=loss)


def worker(outcome, *lines, **more):
    return problem_of_exit(Ended(started=WORKER, outcome=outcome, lines=lines, **more))


def test_a_worker_is_named_with_its_last_error():
    problem = worker(GONE, "starting", "error: it broke", "bye")
    assert problem.kind is ProblemKind.WORKER
    assert problem.where == "127.0.0.1:50052"
    assert problem.happened == (
        "The rpc-server for CPU at 127.0.0.1:50052 on lab1 ended with status 0. It said: “error: it broke”."
    )
    assert problem.advice


@pytest.mark.parametrize(
    ("outcome", "lines", "cause"),
    [
        (KILLED, (), FaultCause.WORKER_ENDED),
        (CRASHED, ("#7 main ()",), FaultCause.WORKER_ENDED),
        (replace(KILLED, killed_for_memory=True), (), FaultCause.WORKER_OUT_OF_MEMORY),
        (GONE, ("Failed to create server socket",), FaultCause.PORT_TAKEN),
        (CRASHED, ("CUDA error: unspecified launch failure", "  current device: 0"), FaultCause.DEVICE_LOST),
        (CRASHED, ("write: No space left on device",), FaultCause.DISK_FULL),
        (lost(ConnectionLoss.LEASH), (), FaultCause.WORKER_ENDED),
    ],
)
def test_a_worker_of_which_it_is_known_how_it_ended(outcome, lines, cause):
    problem = worker(outcome, *lines)
    assert problem.fault == Fault(cause=cause, machine_id=LAB, worker_ids=(W,))
    assert "lab1" in problem.happened


@pytest.mark.parametrize("code", [-4, 132])
@pytest.mark.parametrize("started", [WORKER, LLAMA], ids=["worker", "llama-server"])
def test_a_processor_that_refuses_an_instruction_is_told_apart_from_a_crash(started, code):
    problem = problem_of_exit(Ended(started=started, outcome=ProcessOutcome(exit_code=code, stop_asked=False)))
    assert "signal 4 (SIGILL)" in problem.happened
    assert "refused an instruction" in problem.advice


def test_a_worker_that_said_nothing():
    assert worker(CRASHED).happened.endswith("ended by signal 6 (SIGABRT).")
    assert "for want of memory" in worker(replace(KILLED, killed_for_memory=True)).happened


def test_the_command_and_the_last_lines_are_details():
    command, *lines = worker(GONE, *(str(n) for n in range(100))).details.splitlines()
    assert command == "$ rpc 'a b'"
    assert lines == [str(n) for n in range(100 - SHOWN_LINES, 100)]


def test_a_lost_connection_concerns_the_whole_machine():
    closed = worker(lost(ConnectionLoss.CLOSED))
    assert closed.fault == Fault(cause=FaultCause.CONNECTION_LOST, machine_id=LAB)
    assert closed.happened.startswith("The connection to lab1 ended")
    silent = worker(lost(ConnectionLoss.SILENT), silent_seconds=8.2)
    assert silent.fault == Fault(cause=FaultCause.HOST_SILENT, machine_id=LAB)
    assert silent.happened == "lab1 says nothing any more: nothing was heard from it for 8 s."
    assert silent.where == closed.where == "lab1"


@pytest.mark.parametrize(
    ("silent_seconds", "lines", "cause"),
    [
        (0.3, ("client_loop: send disconnect: Broken pipe",), FaultCause.CONNECTION_LOST),
        (7.9, (), FaultCause.HOST_SILENT),
        (0.0, ("bind [127.0.0.1]:50052: Address already in use",), FaultCause.PORT_TAKEN),
    ],
)
def test_a_tunnel_that_ended_is_its_machines_fault(silent_seconds, lines, cause):
    outcome = ProcessOutcome(exit_code=255, stop_asked=False)
    problem = problem_of_exit(Ended(started=TUNNEL, outcome=outcome, lines=lines, silent_seconds=silent_seconds))
    assert problem.fault == Fault(cause=cause, machine_id=LAB)
    assert "lab1" in problem.happened
    assert problem.where == "lab1"


def test_a_killed_tunnel_says_by_which_signal():
    assert "signal 9 (SIGKILL)" in problem_of_exit(Ended(started=TUNNEL, outcome=KILLED)).happened


def coordinator(line=None, outcome=CRASHED, run=None):
    return problem_of_exit(Ended(started=LLAMA, outcome=outcome, run=run, fatal=fatal_error_in(line) if line else None))


def test_llama_server_with_and_without_a_known_crash_line():
    known = coordinator("ggml-rpc.cpp:569: Remote RPC server crashed or returned malformed response")
    assert "A worker ended" in known.happened
    assert known.kind is ProblemKind.COORDINATOR
    assert known.fault == Fault(cause=FaultCause.COORDINATOR_ENDED)
    assert "SIGABRT" in coordinator().happened


def test_llama_server_killed_for_memory():
    problem = coordinator("GGML_ASSERT(x) failed", replace(KILLED, killed_for_memory=True))
    assert problem.fault == Fault(cause=FaultCause.COORDINATOR_OUT_OF_MEMORY)
    assert "for want of memory" in problem.happened


def test_a_worker_without_room_is_named_with_what_it_needs():
    run = ready().run
    server = run.servers[0]
    fault = coordinator(f"failed to allocate RPC0[{server.endpoint}] buffer of size 614400", run=run).fault
    assert fault == Fault(
        cause=FaultCause.WORKER_OUT_OF_MEMORY,
        machine_id=server.machine_id,
        worker_ids=server.worker_ids[:1],
        needs_bytes=614400,
    )


def test_a_device_of_its_own_without_room_is_a_worker_too():
    run = ready().run
    used = run.plan.used_workers[0]
    alone = replace(used, offer=replace(native(used.offer, None), runtime_name="CUDA0"))
    run = replace(run, plan=replace(run.plan, workers=(alone,)))
    fault = coordinator("unable to allocate CUDA0 buffer", run=run).fault
    assert (fault.cause, fault.worker_ids) == (FaultCause.WORKER_OUT_OF_MEMORY, (used.id,))
    fault = coordinator("unable to allocate CPU buffer", run=run).fault
    assert (fault.cause, fault.worker_ids) == (FaultCause.COORDINATOR_OUT_OF_MEMORY, ())


def test_a_worker_that_could_not_be_reached_is_named():
    run = ready().run
    server = run.servers[-1]
    fault = coordinator(f"Failed to connect to {server.endpoint}", run=run).fault
    assert (fault.cause, fault.worker_ids) == (FaultCause.NEVER_ANSWERED, server.worker_ids)
    assert coordinator("Failed to connect to 10.0.0.1:1", run=run).fault.worker_ids == ()


def test_its_machine():
    assert (machine_of(WORKER), machine_of(TUNNEL), machine_of(LLAMA)) == ("lab1", "lab1", "this machine")


@pytest.mark.parametrize(
    ("log", "cause", "needs_bytes"),
    [
        ("out_of_memory", FaultCause.WORKER_OUT_OF_MEMORY, 614400000000),
        ("port_in_use", FaultCause.PORT_TAKEN, None),
        ("worker_unreachable", FaultCause.NEVER_ANSWERED, None),
        ("worker_killed", FaultCause.COORDINATOR_ENDED, None),
        ("not_a_model", FaultCause.COORDINATOR_ENDED, None),
    ],
)
def test_the_recorded_ends_of_llama_server(log, cause, needs_bytes):
    watch = CoordinatorWatch(ready().run, lambda _event: None)
    for line in (RECORDED / "llama-server-0c1e570" / f"{log}.jsonl.log").read_text().splitlines():
        watch.take(line)
    fault = problem_of_exit(Ended(started=LLAMA, outcome=CRASHED, run=watch.run, fatal=watch.fatal)).fault
    assert (fault.cause, fault.needs_bytes) == (cause, needs_bytes)
