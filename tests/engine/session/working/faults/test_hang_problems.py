"""Who is named when nothing moves."""

import pytest

from engine.cluster.servers import COORDINATOR
from engine.session.events import ProcessStarted
from engine.session.working.faults.hang_problems import Suspect, clear_case, hang_problem
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import ProblemKind
from engine.vocabulary.running.process import ProcessCondition, ProcessId
from engine.vocabulary.worker import WorkerId

LAB, W = MachineId("ada@lab1"), WorkerId("ada@lab1/cpu")


def a_worker(condition=ProcessCondition.RUNNING, silent=0.0):
    started = ProcessStarted(
        id=ProcessId("w"), title="rpc-server for CPU", argv=("rpc",), endpoint="127.0.0.1:50052", machine_name="lab1",
        machine_id=LAB, worker_ids=(W,),
    )  # fmt: skip
    return Suspect(started=started, pid=77, condition=condition, silent_seconds=silent)


def llama(condition=ProcessCondition.RUNNING):
    started = ProcessStarted(id=COORDINATOR, title="llama-server", argv=("llama-server",))
    return Suspect(started=started, pid=1, condition=condition)


def test_a_stopped_worker_needs_no_more_waiting():
    problem = clear_case((llama(), a_worker(ProcessCondition.STOPPED)))
    assert problem.fault == Fault(cause=FaultCause.HANG, machine_id=LAB, worker_ids=(W,))
    assert problem.happened.startswith("The rpc-server for CPU at 127.0.0.1:50052 on lab1 is stopped")
    assert "kill -CONT 77" in problem.advice
    assert problem.kind is ProblemKind.WORKER


def test_nor_does_a_silent_machine_which_comes_first():
    problem = clear_case((a_worker(ProcessCondition.STOPPED), a_worker(ProcessCondition.UNKNOWN, silent=7.5)))
    assert problem.fault == Fault(cause=FaultCause.HOST_SILENT, machine_id=LAB)


def test_llama_server_itself_may_be_stopped():
    problem = clear_case((llama(ProcessCondition.STOPPED),))
    assert problem.fault == Fault(cause=FaultCause.HANG)
    assert problem.kind is ProblemKind.COORDINATOR
    assert problem.happened.startswith("llama-server is stopped")


def test_a_machine_that_is_late_is_not_called_silent():
    assert clear_case((llama(), a_worker(silent=5.0))) is None


@pytest.mark.parametrize("condition", [ProcessCondition.RUNNING, ProcessCondition.STUCK, ProcessCondition.UNKNOWN])
def test_what_may_pass_is_no_clear_case(condition):
    assert clear_case((llama(), a_worker(condition))) is None


def test_one_that_is_stuck_in_its_system_is_named_in_the_end():
    problem = hang_problem((llama(), a_worker(ProcessCondition.STUCK)), 12.0, "loads the model")
    assert problem.fault.worker_ids == (W,)
    assert "waits for a driver or a disk" in problem.happened


def test_else_nobody_is_named():
    problem = hang_problem((llama(), a_worker()), 12.4, "works on a request", "its last lines")
    assert problem.fault == Fault(cause=FaultCause.HANG)
    assert problem.happened == "Nothing has moved for 12 s: llama-server works on a request, and all processes live."
    assert problem.details == "its last lines"
    assert hang_problem((a_worker(ProcessCondition.STOPPED),), 12.0, "").fault.worker_ids == (W,)
