"""From workers to rpc-server processes."""

from dataclasses import replace

from engine.cluster.servers import Place, server_process_id, servers_of, servers_of_offers, tunnels_of, with_places
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.worker import Exposure, native
from tests.fakes.states.cluster_pieces import hybrid_machine, offers_of
from tests.fakes.states.cluster_plans import plan_of


def test_one_server_per_endpoint():
    offers = offers_of(hybrid_machine())
    servers = servers_of_offers(offers)
    assert [server.endpoint for server in servers] == ["127.0.0.1:50052", "127.0.0.1:50053", "127.0.0.1:50054"]
    assert [server.worker_ids for server in servers] == [(offer.id,) for offer in offers]
    assert [server.memory_limit_bytes for server in servers] == [(offer.safe_bytes,) for offer in offers]


def test_workers_of_one_endpoint_share_a_server_in_order():
    offers = tuple(replace(offer, endpoint="127.0.0.1:50052") for offer in offers_of(hybrid_machine()))
    (server,) = servers_of_offers(offers)
    assert server.runtime_names == ("CPU", "CUDA0", "Vulkan0")
    assert server.worker_ids == tuple(offer.id for offer in offers)
    assert len(server.memory_limit_bytes) == 3


def test_its_title_says_which_of_several_workers_of_a_cpu():
    cpu, gpu, _ = offers_of(hybrid_machine())
    halves = [replace(cpu, id=f"{cpu.machine_id}/cpu-{n}", endpoint=f"127.0.0.1:{n}") for n in (0, 1)]
    titles = [server.title for server in servers_of_offers((*halves, cpu, gpu))]
    assert titles == ["rpc-server for CPU-0", "rpc-server for CPU-1", "rpc-server for CPU", "rpc-server for CUDA0"]


def test_threads_are_those_of_the_cpu_worker_only():
    cpu, gpu, _ = offers_of(hybrid_machine())
    assert [server.threads for server in servers_of_offers((gpu, cpu))] == [None, 16]
    assert gpu.kind is DeviceKind.GPU


def test_workers_that_hold_nothing_get_no_server():
    plan = plan_of({"a": 5}, unused=("b",))
    assert [server.worker_ids for server in servers_of(plan)] == [("a",)]


def test_what_llama_server_uses_itself_has_no_server():
    cpu, gpu, other = offers_of(hybrid_machine())
    servers = servers_of_offers((cpu, native(gpu, None), native(other, None)))
    assert [server.worker_ids for server in servers] == [(cpu.id,)]
    assert tunnels_of(servers) == ()


def test_moved_endpoints():
    plan = plan_of({"a": 3, "b": 4})
    moved = with_places(plan, {"127.0.0.1:50052": Place(endpoint="127.0.0.1:50100")})
    assert {worker.offer.endpoint for worker in moved.workers} == {"127.0.0.1:50100"}
    assert with_places(plan, {"127.0.0.1:1": Place(endpoint="127.0.0.1:2")}) == plan


def test_the_name_of_a_process_holds_its_endpoint():
    assert server_process_id("127.0.0.1:50052") == "rpc-server 127.0.0.1:50052"


def test_one_tunnel_carries_all_servers_of_a_machine_and_only_those_behind_one():
    plan = plan_of({"a": 3, "b": 4})
    here, *_ = servers_of(plan)
    there = replace(here, exposure=Exposure.TUNNEL, endpoint="127.0.0.1:51052", listens_on="127.0.0.1:50052")
    other = replace(there, endpoint="127.0.0.1:51053", listens_on="127.0.0.1:50060")
    (tunnel,) = tunnels_of((here, there, other))
    assert [(forward.local_port, forward.remote_port) for forward in tunnel.forwards] == [(51052, 50052), (51053, 50060)]
    assert tunnels_of((here, replace(there, exposure=Exposure.LAN))) == ()
