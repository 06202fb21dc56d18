"""What to do so that what runs becomes what is wanted."""

import itertools

import pytest

from engine.cluster.phases import ENDED
from engine.cluster.reconcile import StartCoordinator, StartRpcServer, StartTunnel, StopProcess, Wanted, reconcile
from engine.cluster.servers import COORDINATOR, server_process_id, tunnel_process_id
from engine.vocabulary.machine import MachineId
from engine.vocabulary.remote import Forward, TunnelSpec
from engine.vocabulary.running.process import ProcessPhase
from tests.fakes.states.cluster_plans import server_of

A = server_of("127.0.0.1:50052", {"a": "CPU"})
B = server_of("127.0.0.1:50053", {"b": "CPU"})
ID_A, ID_B = server_process_id(A.endpoint), server_process_id(B.endpoint)
STARTING, READY, STOPPING, STOPPED, FAILED = (
    ProcessPhase.STARTING, ProcessPhase.READY, ProcessPhase.STOPPING, ProcessPhase.STOPPED, ProcessPhase.FAILED,
)  # fmt: skip


def test_workers_start_together():
    assert reconcile(Wanted(servers=(A, B)), {}) == (StartRpcServer(spec=A), StartRpcServer(spec=B))
    assert reconcile(Wanted(servers=(A, B)), {ID_A: READY}) == (StartRpcServer(spec=B),)


def test_llama_server_starts_only_when_every_worker_is_ready():
    for one, other in itertools.product(ProcessPhase, repeat=2):
        expected = (StartCoordinator(),) if one is other is READY else ()
        assert reconcile(Wanted(servers=(A, B)), {ID_A: one, ID_B: other}) == expected


@pytest.mark.parametrize("phase", list(ProcessPhase))
def test_llama_server_is_started_once(phase):
    assert reconcile(Wanted(servers=(A,)), {ID_A: READY, COORDINATOR: phase}) == ()


def test_down_llama_server_goes_first():
    seen = {ID_A: READY, ID_B: STARTING, COORDINATOR: READY}
    assert reconcile(None, seen) == (StopProcess(id=COORDINATOR),)
    assert reconcile(None, seen | {COORDINATOR: STOPPING}) == ()
    assert reconcile(None, seen | {COORDINATOR: STOPPED}) == (StopProcess(id=ID_A), StopProcess(id=ID_B))
    assert reconcile(None, seen | {COORDINATOR: FAILED}) == (StopProcess(id=ID_A), StopProcess(id=ID_B))


def test_down_is_over_when_all_have_ended():
    assert reconcile(None, {ID_A: STOPPED, ID_B: FAILED, COORDINATOR: FAILED}) == ()
    assert reconcile(None, {}) == ()


def test_performing_every_action_always_reaches_what_is_wanted():
    """From every combination of phases, down ends with nothing alive."""
    for phases in itertools.product([None, *ProcessPhase], repeat=3):
        seen = {id_: phase for id_, phase in zip((ID_A, ID_B, COORDINATOR), phases, strict=True) if phase is not None}
        for _ in range(3):
            for action in reconcile(None, seen):
                seen[action.id] = STOPPING
            seen = {id_: STOPPED if phase is STOPPING else phase for id_, phase in seen.items()}
        assert all(phase in ENDED for phase in seen.values())


def test_tunnels_start_with_the_servers_and_llama_server_waits_for_both():
    tunnel = TunnelSpec(
        machine_id=MachineId("gpu-node"), machine_name="gpu-node", forwards=(Forward(local_port=51052, remote_port=50052),)
    )
    wanted = Wanted(servers=(A,), tunnels=(tunnel,))
    assert reconcile(wanted, {}) == (StartTunnel(spec=tunnel), StartRpcServer(spec=A))
    assert reconcile(wanted, {ID_A: READY, tunnel_process_id(tunnel): STARTING}) == ()
    assert reconcile(wanted, {ID_A: READY, tunnel_process_id(tunnel): READY}) == (StartCoordinator(),)
