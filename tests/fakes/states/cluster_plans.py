"""Small plans and server specs for tests of command lines: everything in them is made up but consistent."""

from __future__ import annotations

from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId
from engine.vocabulary.model import LayerFacts, ModelFacts
from engine.vocabulary.plan import Plan, PlannedWorker, Policy, PredictedThroughput, RunShape
from engine.vocabulary.worker import Layout, RpcServerSpec, WorkerId, WorkerOffer


def plan_of(
    counts: dict[str, int], *, path: str | None = "/models/m.gguf", shape: RunShape | None = None, unused: tuple[str, ...] = ()
) -> Plan:
    """Workers by id in device order with their integers for ``-ts``; the last one holds the output layer."""
    n_layers = sum(counts.values()) - 1
    workers, first = [], 0
    for worker, count in counts.items():
        last = first + count == n_layers + 1
        workers.append(_planned(worker, first, count - last, holds_output=last))
        first += count
    return Plan(
        policy=Policy.EVEN,
        layout=Layout.PER_DEVICE,
        model=_model(path, n_layers),
        shape=shape or RunShape(),
        workers=(*workers, *(_planned(worker, 0, 0, holds_output=False) for worker in unused)),
        tensor_split=tuple(counts.values()),
        coordinator_bytes=0,
        predicted=PredictedThroughput(),
    )


def server_of(
    endpoint: str, workers: dict[str, str], *, threads: int | None = None, limits: tuple[int, ...] = ()
) -> RpcServerSpec:
    """``workers``: id -> runtime name, in the order of ``--device``."""
    return RpcServerSpec(
        machine_id=MachineId("m"),
        machine_name="gpu-node",
        endpoint=endpoint,
        worker_ids=tuple(WorkerId(worker) for worker in workers),
        runtime_names=tuple(workers.values()),
        threads=threads,
        memory_limit_bytes=limits,
    )


def _planned(worker: str, first: int, count: int, *, holds_output: bool) -> PlannedWorker:
    offer = WorkerOffer(
        id=WorkerId(worker),
        machine_id=MachineId("m"),
        machine_name="gpu-node",
        kind=DeviceKind.CPU,
        device_name="cpu",
        runtime_name="CPU",
        description="",
        total_bytes=2**30,
        used_by_others_bytes=0,
        safe_bytes=2**30,
        endpoint="127.0.0.1:50052",
    )
    return PlannedWorker(
        offer=offer,
        first_layer=first if count else None,
        n_layers=count,
        holds_output=holds_output,
        weights_bytes=1,
        kv_bytes=1,
        compute_bytes=1,
    )


def _model(path: str | None, n_layers: int) -> ModelFacts:
    return ModelFacts(
        path=path,
        name="m",
        architecture="llama",
        size_label="1M",
        layers=(LayerFacts(weights_bytes=1, active_bytes=1),) * n_layers,
        head_bytes=1,
        embedding_bytes=1,
        tied_embeddings=False,
        n_embd=64,
        n_vocab=320,
        training_context_tokens=4096,
        total_bytes=1,
    )
