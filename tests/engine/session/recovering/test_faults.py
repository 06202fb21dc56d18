"""Which fault a problem is, where detection has not said it."""

from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR, tunnel_process_id
from engine.session.recovering.faults import SEVERITY, crashed_by_itself, explains_more, fault_of
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessOutcome
from tests.fakes.states import remote_states
from tests.fakes.states.cluster_states import loading, no_model, ready

LOST = "ggml-rpc.cpp:650: Remote RPC server crashed or returned malformed response"


def problem(details="", where="", kind=ProblemKind.WORKER, fault=None):
    return Problem(kind=kind, where=where, happened="It broke.", details=details, fault=fault)


def ended(state, which, code):
    """A process of the state, ended with a status."""
    process = next(process for process in state.processes if which in process.id)
    return replace(process, outcome=ProcessOutcome(exit_code=code, stop_asked=False))


def test_what_detection_says_counts():
    said = Fault(cause=FaultCause.DEVICE_LOST, machine_id=THIS_MACHINE)
    assert fault_of(ready(), problem(fault=said), ended(ready(), "rpc-server", -6)) is said


def test_what_detection_does_not_know_is_derived():
    state, unknown = ready(), Fault(cause=FaultCause.UNKNOWN)
    server = state.run.servers[0]
    expected = Fault(cause=FaultCause.WORKER_ENDED, machine_id=server.machine_id, worker_ids=server.worker_ids)
    assert fault_of(state, problem(fault=unknown), ended(state, server.endpoint, -9)) == expected
    assert fault_of(state, None, ended(state, server.endpoint, -9)) == expected


@pytest.mark.parametrize(
    ("which", "line"),
    [
        ("rpc-server", "Failed to create server socket"),
        ("llama-server", "couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8080"),
    ],
)
def test_a_port_that_is_taken_counts_while_it_starts_and_not_later(which, line):
    assert fault_of(loading(), problem(line), ended(loading(), which, 0)).cause is FaultCause.PORT_TAKEN
    said = Fault(cause=FaultCause.WORKER_ENDED)
    assert fault_of(loading(), problem(line, fault=said), ended(loading(), which, 0)).cause is FaultCause.PORT_TAKEN
    served = replace(ready(), run=replace(ready().run, ready_after_seconds=3.0))
    assert fault_of(served, problem(line), ended(served, which, 0)).cause is not FaultCause.PORT_TAKEN


def test_the_worker_that_had_no_room_is_found_by_the_buffers_name():
    state = loading()
    server = state.run.servers[1]
    line = f"alloc_tensor_range: failed to allocate RPC1[{server.endpoint}] buffer of size 734003200"
    fault = fault_of(state, problem(line), ended(state, COORDINATOR, 1))
    assert (fault.cause, fault.worker_ids) == (FaultCause.WORKER_OUT_OF_MEMORY, server.worker_ids)
    assert fault.needs_bytes == 734003200


def test_llama_server_without_room_of_its_own():
    line = "ggml_gallocr_reserve_n: failed to allocate CPU buffer of size 1000"
    fault = fault_of(loading(), problem(line), ended(loading(), COORDINATOR, 1))
    assert (fault.cause, fault.needs_bytes) == (FaultCause.COORDINATOR_OUT_OF_MEMORY, 1000)


def test_llama_server_ended_and_nobody_else_is_known_to_be_the_reason():
    assert fault_of(ready(), problem(), ended(ready(), COORDINATOR, 134)) == Fault(cause=FaultCause.COORDINATOR_ENDED)


def test_a_tunnel_and_a_worker_whose_end_nobody_saw_are_a_lost_connection():
    state = remote_states.starting()
    tunnel = state.run.tunnels[0]
    seen = replace(state.processes[0], id=tunnel_process_id(tunnel), endpoint=None)
    assert fault_of(state, problem(), seen) == Fault(cause=FaultCause.CONNECTION_LOST, machine_id=tunnel.machine_id)
    server = next(server for server in state.run.servers if server.machine_id == tunnel.machine_id)
    unseen = replace(seen, endpoint=server.endpoint, outcome=ProcessOutcome(exit_code=None, stop_asked=False))
    assert fault_of(state, problem(), unseen) == Fault(cause=FaultCause.CONNECTION_LOST, machine_id=tunnel.machine_id)


def test_what_is_alive_and_does_not_answer():
    state = loading()
    server = state.run.servers[0]
    fault = fault_of(state, problem(where=server.endpoint), None)
    assert (fault.cause, fault.worker_ids) == (FaultCause.NEVER_ANSWERED, server.worker_ids)
    hang = problem(where="llama-server", kind=ProblemKind.COORDINATOR)
    assert fault_of(state, hang, None) == Fault(cause=FaultCause.HANG)
    assert fault_of(state, problem(where="elsewhere"), None) == Fault(cause=FaultCause.UNKNOWN)
    remote = remote_states.starting()
    tunnel = remote.run.tunnels[0]
    lost = Fault(cause=FaultCause.CONNECTION_LOST, machine_id=tunnel.machine_id)
    assert fault_of(remote, problem(where=tunnel.machine_name), None) == lost


def test_before_anything_was_started_nothing_is_known():
    assert fault_of(no_model(), problem(), None) == Fault(cause=FaultCause.UNKNOWN)


@pytest.mark.parametrize(("code", "crashed"), [(-9, False), (137, False), (-15, False), (0, False), (-6, True), (139, True)])
def test_who_ends_itself(code, crashed):
    assert crashed_by_itself(None, ended(ready(), COORDINATOR, code)) is crashed
    assert crashed_by_itself(problem("GGML_ASSERT(x) failed"), ended(ready(), COORDINATOR, code)) is crashed
    assert not crashed_by_itself(problem(LOST), ended(ready(), COORDINATOR, code)), "a worker did"
    assert not crashed_by_itself(problem(), None)


def test_every_cause_has_its_place_and_a_worker_explains_llama_server():
    assert set(SEVERITY) == set(FaultCause)
    worker, coordinator = Fault(cause=FaultCause.WORKER_ENDED), Fault(cause=FaultCause.COORDINATOR_ENDED)
    assert explains_more(worker, coordinator)
    assert not explains_more(coordinator, worker)
