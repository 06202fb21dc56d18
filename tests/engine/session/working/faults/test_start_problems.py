"""What is said of a process that did not start, or does not answer."""

import pytest

from engine.errors import MachineUnreachable, ProcessFailed
from engine.session.events import ProcessStarted
from engine.session.working.faults.start_problems import never_answered, no_tunnel, not_started
from engine.vocabulary.machine import MachineId
from engine.vocabulary.remote import TunnelSpec
from engine.vocabulary.running.fault import FaultCause
from engine.vocabulary.running.process import ProcessId
from engine.vocabulary.worker import WorkerId
from tests.fakes.states.cluster_states import ready

STARTED = ProcessStarted(
    id=ProcessId("w"), title="rpc-server for CPU", argv=("rpc",), endpoint="127.0.0.1:1", machine_id=MachineId("m"),
    worker_ids=(WorkerId("m/cpu"),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MachineUnreachable("The connection to lab1 was lost.", advice="See."), FaultCause.CONNECTION_LOST),
        (ProcessFailed("There is no program.", advice="See."), FaultCause.UNKNOWN),
        (ProcessFailed("It failed.", details="mkdir: No space left on device"), FaultCause.DISK_FULL),
    ],
)
def test_one_that_was_refused(error, cause):
    problem = not_started(STARTED, error)
    assert (problem.happened, problem.advice, problem.where) == (error.happened, error.advice, "127.0.0.1:1")
    assert problem.fault.cause is cause
    assert (problem.fault.machine_id, problem.fault.worker_ids) == ("m", ("m/cpu",))


def test_one_that_never_answered():
    server = ready().run.servers[0]
    problem = never_answered(server, ("a", "b"), 30.0)
    assert f"at {server.endpoint} on {server.machine_name} started but did not answer within 30 s" in problem.happened
    assert problem.details == "a\nb"
    assert (problem.fault.cause, problem.fault.worker_ids) == (FaultCause.NEVER_ANSWERED, server.worker_ids)


def test_a_tunnel_that_does_not_open():
    problem = no_tunnel(TunnelSpec(machine_id=MachineId("m"), machine_name="lab1", forwards=()), (), 30.0)
    assert "tunnel to lab1 did not open" in problem.happened
    assert (problem.fault.cause, problem.fault.machine_id) == (FaultCause.NEVER_ANSWERED, "m")
