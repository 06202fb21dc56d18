"""Offers and models for the tests of the planner: small, named, and with numbers that can be checked in the head."""

from __future__ import annotations

from dataclasses import replace

from engine.planning.abstract_model import abstract_model
from engine.vocabulary.device import Cpu, DeviceKind, Gpu, Vendor
from engine.vocabulary.machine import Machine, MachineId
from engine.vocabulary.model import LayerFacts, ModelFacts
from engine.vocabulary.worker import Link, Speed, WorkerId, WorkerOffer

GB = 1_000_000_000


def offer(
    machine: str,
    device: str = "cpu",
    *,
    safe: int = 8 * GB,
    gb_per_s: float | None = None,
    tflops: float | None = None,
    link: Link | None = None,
    overhead: float = 0.0005,
    endpoint: str | None = None,
) -> WorkerOffer:
    speed = None
    if gb_per_s is not None:
        flops = None if tflops is None else tflops * 1e12
        speed = Speed(read_bytes_per_second=gb_per_s * 1e9, compute_flops_per_second=flops, overhead_seconds=overhead)
    return WorkerOffer(
        id=WorkerId(f"{machine}/{device}"),
        machine_id=MachineId(machine),
        machine_name=machine,
        kind=DeviceKind.CPU if device.startswith("cpu") else DeviceKind.GPU,
        device_name=device,
        runtime_name="CPU" if device.startswith("cpu") else device.upper().replace(":", ""),
        description=device,
        total_bytes=safe * 5 // 4,
        used_by_others_bytes=0,
        safe_bytes=safe,
        endpoint=endpoint or f"{machine}:{50052 + len(device)}",
        speed=speed,
        link=link,
    )


def model_of(*layer_bytes: int, head: int = 0, n_embd: int = 0, n_vocab: int = 0) -> ModelFacts:
    """A model with these layers; without ``n_embd`` it needs no buffers, so that sums are easy."""
    layers = tuple(LayerFacts(weights_bytes=size, active_bytes=size) for size in layer_bytes)
    model = abstract_model(len(layers), head_bytes=head, n_embd=n_embd, n_vocab=n_vocab)
    return replace(model, layers=layers, total_bytes=sum(layer_bytes) + head)


def gpu(index: int, *, total: int | None = 10 * GB, free: int | None = None, software: bool = False, name: str = "RTX") -> Gpu:
    return Gpu(
        index=index,
        name=f"{name} {index}",
        vendor=Vendor.NVIDIA,
        runtime_name=f"CUDA{index}",
        friendly_name=f"cuda:{index}",
        memory_total_bytes=total,
        memory_free_bytes=total if free is None else free,
        software=software,
    )


def machine(name: str, *gpus: Gpu, ram: int = 10 * GB, free: int | None = None, address: str | None = None) -> Machine:
    return Machine(
        id=MachineId(name),
        name=name,
        os_name="Linux",
        architecture="x86_64",
        cpu=Cpu(
            name="EPYC",
            physical_cores=5,
            logical_cores=10,
            ram_total_bytes=ram,
            ram_available_bytes=ram if free is None else free,
        ),
        gpus=gpus,
        why_no_gpu=None if gpus else "none found",
        address=address,
    )
