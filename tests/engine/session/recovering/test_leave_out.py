"""Who is left out after which fault, and who is back."""

import pytest

from engine.session.recovering.leave_out import is_back, with_strikes
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.recovery import Recovery
from engine.vocabulary.worker import WorkerId
from tests.fakes.states.recovery_states import missing

NODE = MachineId("gpu-node")
WORKER = WorkerId("gpu-node/cuda:0")


def after(*faults, crashed=False):
    recovery = Recovery()
    for fault in faults:
        recovery = with_strikes(recovery, fault, crashed=crashed)
    return recovery


def fault(cause, machine_id=NODE, worker_ids=(WORKER,)):
    return Fault(cause=cause, machine_id=machine_id, worker_ids=worker_ids)


@pytest.mark.parametrize(
    ("cause", "crashed", "lost", "left_out"),
    [
        (FaultCause.WORKER_ENDED, False, (), ()),
        (FaultCause.WORKER_ENDED, True, (), ()),
        (FaultCause.DEVICE_LOST, False, (), (WORKER,)),
        (FaultCause.HOST_SILENT, False, (NODE,), ()),
        (FaultCause.CONNECTION_LOST, False, (), ()),
        (FaultCause.NEVER_ANSWERED, False, (), ()),
        (FaultCause.UNKNOWN, False, (), ()),
    ],
)
def test_once(cause, crashed, lost, left_out):
    recovery = after(fault(cause), crashed=crashed)
    assert (recovery.lost, recovery.left_out) == (lost, left_out)


@pytest.mark.parametrize(
    ("cause", "crashed", "lost", "left_out"),
    [
        (FaultCause.WORKER_ENDED, False, (), ()),
        (FaultCause.WORKER_ENDED, True, (), (WORKER,)),
        (FaultCause.NEVER_ANSWERED, False, (), (WORKER,)),
        (FaultCause.WORKER_OUT_OF_MEMORY, False, (), (WORKER,)),
        (FaultCause.HANG, False, (), (WORKER,)),
    ],
)
def test_twice_in_a_row(cause, crashed, lost, left_out):
    recovery = after(fault(cause), fault(cause), crashed=crashed)
    assert (recovery.lost, recovery.left_out) == (lost, left_out)


@pytest.mark.parametrize(
    "lost",
    [
        fault(FaultCause.CONNECTION_LOST),
        fault(FaultCause.CONNECTION_LOST, worker_ids=()),
        fault(FaultCause.NEVER_ANSWERED, worker_ids=()),
    ],
    ids=["a worker could not be started", "a tunnel broke", "a tunnel did not open"],
)
def test_a_connection_that_fails_again_and_again(lost):
    state = missing()
    before = Recovery(before=state.recovery.before)
    assert with_strikes(before, lost, crashed=False).lost == ()
    twice = with_strikes(with_strikes(before, lost, crashed=False), lost, crashed=False)
    assert (twice.lost, twice.left_out) == ((NODE,), ())
    thrice = with_strikes(is_back(twice, NODE), lost, crashed=False)
    workers = [worker.id for worker in before.before.plan.workers if worker.offer.machine_id == NODE]
    assert (thrice.lost, list(thrice.left_out)) == ((), workers)


def test_two_workers_once_each_are_no_reason():
    other = fault(FaultCause.NEVER_ANSWERED, worker_ids=(WorkerId("gpu-node/cpu"),))
    assert after(fault(FaultCause.NEVER_ANSWERED), other).left_out == ()


def test_this_machine_is_never_lost():
    assert after(*[fault(FaultCause.HOST_SILENT, THIS_MACHINE, ())] * 3).lost == ()
    assert after(*[fault(FaultCause.CONNECTION_LOST, None, ())] * 3) == Recovery()


def test_a_machine_that_was_looked_at_is_back():
    recovery = after(fault(FaultCause.HOST_SILENT))
    assert is_back(recovery, MachineId("other")) is recovery
    assert is_back(recovery, NODE).lost == ()
