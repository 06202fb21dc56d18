"""From a plan to the rpc-server processes that it needs, and the endpoints moved to ports that are free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.vocabulary.device import DeviceKind
from engine.vocabulary.plan import Plan
from engine.vocabulary.process import ProcessId
from engine.vocabulary.worker import RpcServerSpec, WorkerOffer

COORDINATOR = ProcessId("llama-server")


def server_process_id(endpoint: str) -> ProcessId:
    """Our name for the rpc-server at an endpoint."""
    return ProcessId(f"rpc-server {endpoint}")


def servers_of(plan: Plan) -> tuple[RpcServerSpec, ...]:
    """One spec per endpoint that the plan uses, in the order of first use.

    Workers of one endpoint are listed in device order, so that a server with several devices numbers them as the plan does.
    """
    return servers_of_offers(tuple(worker.offer for worker in plan.used_workers))


def servers_of_offers(offers: tuple[WorkerOffer, ...]) -> tuple[RpcServerSpec, ...]:
    """One spec per endpoint of the offers, whatever a plan would use of them."""
    by_endpoint: dict[str, list[WorkerOffer]] = {}
    for offer in offers:
        by_endpoint.setdefault(offer.endpoint, []).append(offer)
    return tuple(_server(endpoint, offered) for endpoint, offered in by_endpoint.items())


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
    )


def with_endpoints(plan: Plan, moved: Mapping[str, str]) -> Plan:
    """The same plan, with endpoints replaced (planned endpoint -> the one that is free)."""
    workers = tuple(
        replace(worker, offer=replace(worker.offer, endpoint=moved.get(worker.offer.endpoint, worker.offer.endpoint)))
        for worker in plan.workers
    )
    return replace(plan, workers=workers)
