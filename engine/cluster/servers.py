"""From a plan to the rpc-server processes that it needs, and the endpoints moved to ports that are free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import Plan
from engine.vocabulary.remote import Forward, TunnelSpec
from engine.vocabulary.running.process import ProcessId
from engine.vocabulary.worker import Exposure, RpcServerSpec, WorkerOffer

COORDINATOR = ProcessId("llama-server")


def server_process_id(endpoint: str) -> ProcessId:
    """Our name for the rpc-server at an endpoint."""
    return ProcessId(f"rpc-server {endpoint}")


def tunnel_process_id(spec: TunnelSpec) -> ProcessId:
    """Our name for the tunnel to a machine: one carries all its ports."""
    return ProcessId(f"tunnel {spec.machine_id}")


def servers_of(plan: Plan) -> tuple[RpcServerSpec, ...]:
    """One spec per endpoint that the plan uses, in the order of first use; none for what llama-server uses itself.

    Workers of one endpoint are listed in device order, so that a server with several devices numbers them as the plan does.
    """
    return servers_of_offers(tuple(worker.offer for worker in plan.used_workers))


def servers_of_offers(offers: tuple[WorkerOffer, ...]) -> tuple[RpcServerSpec, ...]:
    """One spec per endpoint of the offers, whatever a plan would use of them."""
    by_endpoint: dict[str, list[WorkerOffer]] = {}
    for offer in offers:
        if offer.is_native:
            continue
        by_endpoint.setdefault(offer.endpoint, []).append(offer)
    return tuple(_server(endpoint, offered) for endpoint, offered in by_endpoint.items())


def tunnels_of(servers: tuple[RpcServerSpec, ...]) -> tuple[TunnelSpec, ...]:
    """One tunnel per machine that is behind one, with a forward for each of its servers."""
    by_machine: dict[MachineId, list[RpcServerSpec]] = {}
    for server in servers:
        if server.exposure is Exposure.TUNNEL:
            by_machine.setdefault(server.machine_id, []).append(server)
    return tuple(
        TunnelSpec(
            machine_id=machine_id,
            machine_name=behind[0].machine_name,
            forwards=tuple(Forward(local_port=server.port, remote_port=server.bind_port) for server in behind),
        )
        for machine_id, behind in by_machine.items()
    )


def _server(endpoint: str, offers: list[WorkerOffer]) -> RpcServerSpec:
    threads = [offer.threads for offer in offers if offer.kind is DeviceKind.CPU]
    return RpcServerSpec(
        machine_id=offers[0].machine_id,
        machine_name=offers[0].machine_name,
        endpoint=endpoint,
        worker_ids=tuple(offer.id for offer in offers),
        runtime_names=tuple(offer.runtime_name for offer in offers),
        threads=threads[0] if threads else None,
        memory_limit_bytes=tuple(offer.safe_bytes for offer in offers),
        exposure=offers[0].exposure,
        listens_on=offers[0].listens_on,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an rpc-server is: reached at ``endpoint``, and what it binds on its own machine where that differs."""

    endpoint: str
    listens_on: str | None = None


def with_places(plan: Plan, moved: Mapping[str, Place]) -> Plan:
    """The same plan, with endpoints replaced (planned endpoint -> where ports are free)."""
    return replace(plan, workers=tuple(replace(worker, offer=_moved(worker.offer, moved)) for worker in plan.workers))


def _moved(offer: WorkerOffer, moved: Mapping[str, Place]) -> WorkerOffer:
    place = moved.get(offer.endpoint)
    return offer if place is None else replace(offer, endpoint=place.endpoint, listens_on=place.listens_on)
