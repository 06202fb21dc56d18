"""The pieces that hand-made cluster states are made of: a hybrid machine, its workers, plans, processes, samples."""

from __future__ import annotations

from dataclasses import replace

from engine.session.state import (
    CommandShown,
    ProcessSeen,
)
from engine.vocabulary.device import Cpu, DeviceKind, Gpu, Vendor
from engine.vocabulary.machine import THIS_MACHINE, Machine, MachineId, MachineLoad
from engine.vocabulary.model import FoundModel, KvFacts, LayerFacts, ModelFacts, ModelPlace
from engine.vocabulary.plan import Plan, PlannedWorker, PlanRefused, Policy, PredictedThroughput, RunShape, Shortfall
from engine.vocabulary.running.layer_map import LayerMap, LayerPlace
from engine.vocabulary.running.process import ProcessId, ProcessPhase
from engine.vocabulary.running.throughput import RequestTimings, ThroughputSample
from engine.vocabulary.runtime import RpcProtocolVersion, Runtime, RuntimeSource
from engine.vocabulary.worker import Layout, RpcServerSpec, WorkerId, WorkerOffer

GIB = 1024**3
NOW = 1000.0
CPU_ID = WorkerId("this-machine/cpu")
CUDA_ID = WorkerId("this-machine/cuda:0")
VULKAN_ID = WorkerId("this-machine/vulkan:0")


def a_runtime() -> Runtime:
    """A build that can do everything."""
    return Runtime(
        id="b11434",
        folder="/home/ada/.local/share/crossply/runtimes/b11434",
        source=RuntimeSource.BUILT,
        rpc_server="/home/ada/.local/share/crossply/runtimes/b11434/ggml-rpc-server",
        llama_server="/home/ada/.local/share/crossply/runtimes/b11434/llama-server",
        llama_bench=None,
        llama_fit_params=None,
        build_number=11434,
        commit="0c1e570",
        protocol=RpcProtocolVersion(major=7, minor=0, patch=0),
        backends=("CPU", "CUDA", "Vulkan", "RPC"),
    )


def hybrid_machine() -> Machine:
    """One machine with a CPU worker and two GPUs."""
    return Machine(
        id=THIS_MACHINE,
        name="ada-desktop",
        os_name="Debian GNU/Linux 12",
        architecture="x86_64",
        cpu=Cpu(
            name="AMD Ryzen 9 7950X",
            physical_cores=16,
            logical_cores=32,
            ram_total_bytes=31 * GIB,
            ram_available_bytes=24 * GIB,
            instruction_sets=("AVX2", "AVX512"),
        ),
        gpus=(
            Gpu(
                index=0,
                name="NVIDIA GeForce RTX 3060",
                vendor=Vendor.NVIDIA,
                runtime_name="CUDA0",
                friendly_name="cuda:0",
                memory_total_bytes=12 * GIB,
                memory_free_bytes=11 * GIB,
            ),
            Gpu(
                index=1,
                name="AMD Radeon RX 7600",
                vendor=Vendor.AMD,
                runtime_name="Vulkan0",
                friendly_name="vulkan:0",
                memory_total_bytes=8 * GIB,
                memory_free_bytes=int(7.6 * GIB),
            ),
        ),
    )


def cpu_only_machine() -> Machine:
    """A machine without a GPU."""
    return replace(
        hybrid_machine(), gpus=(), why_no_gpu="No GPU was found: no NVIDIA driver, and no card under /sys/class/drm."
    )


def load_of(machine: Machine) -> tuple[MachineId, MachineLoad]:
    """A plausible sample."""
    return machine.id, MachineLoad(
        machine_id=machine.id,
        taken_at_seconds=NOW,
        cpu_busy_fraction=0.27,
        ram_available_bytes=machine.cpu.ram_available_bytes,
        gpu_busy_fractions=tuple(0.62 if gpu.index == 0 else 0.31 for gpu in machine.gpus),
        gpu_free_bytes=tuple(gpu.memory_free_bytes for gpu in machine.gpus),
        gpu_temperatures_celsius=tuple(64.0 if gpu.index == 0 else 51.0 for gpu in machine.gpus),
    )


def offers_of(machine: Machine, first_port: int = 50052) -> tuple[WorkerOffer, ...]:
    """One worker per device, CPU first."""
    cpu = WorkerOffer(
        id=WorkerId(f"{machine.id}/cpu"),
        machine_id=machine.id,
        machine_name=machine.name,
        kind=DeviceKind.CPU,
        device_name="cpu",
        runtime_name="CPU",
        description=machine.cpu.name,
        total_bytes=machine.cpu.ram_total_bytes,
        used_by_others_bytes=machine.cpu.ram_total_bytes - machine.cpu.ram_available_bytes,
        safe_bytes=int(machine.cpu.ram_available_bytes * 0.8),
        endpoint=f"127.0.0.1:{first_port}",
        threads=machine.cpu.physical_cores,
    )
    gpus = tuple(
        WorkerOffer(
            id=WorkerId(f"{machine.id}/{gpu.friendly_name}"),
            machine_id=machine.id,
            machine_name=machine.name,
            kind=DeviceKind.GPU,
            device_name=gpu.friendly_name,
            runtime_name=gpu.runtime_name or "",
            description=gpu.name,
            total_bytes=gpu.memory_total_bytes or 0,
            used_by_others_bytes=(gpu.memory_total_bytes or 0) - (gpu.memory_free_bytes or 0),
            safe_bytes=int((gpu.memory_total_bytes or 0) * 0.8),
            endpoint=f"127.0.0.1:{first_port + 1 + number}",
        )
        for number, gpu in enumerate(machine.gpus)
    )
    return (cpu, *gpus)


def a_model(n_layers: int = 64) -> ModelFacts:
    """Qwen3-32B in figures."""
    layer = LayerFacts(
        weights_bytes=int(0.28 * GIB),
        active_bytes=int(0.28 * GIB),
        kv=KvFacts(k_elements_per_token=1024, v_elements_per_token=1024),
    )
    return ModelFacts(
        path="/home/ada/models/Qwen3-32B-Q4_K_M.gguf",
        files=("/home/ada/models/Qwen3-32B-Q4_K_M.gguf",),
        name="Qwen3 32B",
        architecture="qwen3",
        size_label="32.8B Q4_K_M",
        layers=(layer,) * n_layers,
        head_bytes=int(0.6 * GIB),
        embedding_bytes=int(0.4 * GIB),
        tied_embeddings=False,
        n_embd=5120,
        n_vocab=151936,
        training_context_tokens=40960,
        total_bytes=n_layers * int(0.28 * GIB) + GIB,
    )


def a_plan(
    offers: tuple[WorkerOffer, ...],
    shares: tuple[int, ...],
    *,
    policy: Policy = Policy.FASTEST,
    layout: Layout = Layout.PER_DEVICE,
    decode: float | None = 18.4,
    prefill: float | None = 540.0,
    notes: tuple[str, ...] = (),
) -> Plan:
    """``shares`` are layers per offer, in order; the last used worker holds the output."""
    model = a_model(sum(shares))
    used = [index for index, share in enumerate(shares) if share]
    workers: list[PlannedWorker] = []
    first = 0
    for index, (offer, share) in enumerate(zip(offers, shares, strict=True)):
        head = index == used[-1]
        workers.append(
            PlannedWorker(
                offer=offer,
                first_layer=first if share else None,
                n_layers=share,
                holds_output=head,
                weights_bytes=share * int(0.28 * GIB) + (model.head_bytes if head else 0),
                kv_bytes=share * 16 * 1024 * 1024,
                compute_bytes=int(0.3 * GIB) if share else 0,
            )
        )
        first += share
    split = [share for share in shares if share]
    split[-1] += 1
    return Plan(
        policy=policy,
        layout=layout,
        model=model,
        shape=RunShape(),
        workers=tuple(sorted(workers, key=lambda worker: not worker.used)),
        tensor_split=tuple(split),
        coordinator_bytes=int(0.7 * GIB),
        predicted=PredictedThroughput(
            decode_tokens_per_second=decode, prefill_tokens_per_second=prefill, basis="measured on these workers"
        ),
        notes=notes,
    )


def timings(decode: float = 18.1, prefill: float = 521.0) -> RequestTimings:
    """A finished request."""
    return RequestTimings(prompt_tokens=480, prompt_seconds=480 / prefill, decoded_tokens=128, decode_seconds=128 / decode)


def refused(policy: Policy = Policy.FASTEST, layout: Layout = Layout.PER_DEVICE) -> PlanRefused:
    """A plan that cannot be."""
    return PlanRefused(
        policy=policy,
        layout=layout,
        reasons=("The model needs 48.2 GB in all, the workers can safely hold 35.1 GB: 13.1 GB are missing.",),
        shortfalls=(
            Shortfall(
                worker_id=CUDA_ID,
                needed_bytes=16 * GIB,
                safe_bytes=int(9.6 * GIB),
                sentence="cuda:0 would need 16.0 GB of its 9.6 GB.",
            ),
            Shortfall(
                worker_id=VULKAN_ID,
                needed_bytes=10 * GIB,
                safe_bytes=int(6.4 * GIB),
                sentence="vulkan:0 would need 10.0 GB of its 6.4 GB.",
            ),
        ),
    )


def the_models() -> tuple[FoundModel, ...]:
    """Three in the person's folder, and one of Ollama's."""
    folder = "/home/ada/models"

    def found(file: str, name: str, size_bytes: int) -> FoundModel:
        return FoundModel(path=f"{folder}/{file}", name=name, place=ModelPlace.FOLDER, size_bytes=size_bytes)

    return (
        found("gemma-3-270m-Q4_K_M.gguf", "gemma-3-270m-Q4_K_M.gguf", 253_000_000),
        found("Llama-3.3-70B-Instruct-Q4_K_M-00001-of-00002.gguf", "Llama-3.3-70B-Instruct-Q4_K_M (2 parts)", 42_500_000_000),
        found("Qwen3-32B-Q4_K_M.gguf", "Qwen3-32B-Q4_K_M.gguf", 19_800_000_000),
        FoundModel(
            path=f"/home/ada/.ollama/models/blobs/sha256-{'ab' * 32}",
            name="llama3.2:3b",
            place=ModelPlace.OLLAMA,
            size_bytes=2_020_000_000,
        ),
    )


def the_commands() -> tuple[CommandShown, ...]:
    """Commands of a hybrid machine."""
    lines = (
        ("rpc-server for cpu", "ggml-rpc-server -H 127.0.0.1 -p 50052 --device CPU -t 16 -c"),
        ("rpc-server for cuda:0", "ggml-rpc-server -H 127.0.0.1 -p 50053 --device CUDA0 -c"),
        ("rpc-server for vulkan:0", "ggml-rpc-server -H 127.0.0.1 -p 50054 --device Vulkan0 -c"),
        (
            "llama-server",
            (
                "llama-server -m /home/ada/models/Qwen3-32B-Q4_K_M.gguf --rpc 127.0.0.1:50052,127.0.0.1:50053,127.0.0.1:50054 "
                "-dev RPC0,RPC1,RPC2 -ts 22,28,15 -ngl 999 -fit off -c 4096 -np 1 -b 2048 -ub 256 --host 127.0.0.1 --port 8080"
            ),
        ),
    )
    return tuple(
        CommandShown(title=title, machine_name="ada-desktop", argv=tuple(line.split()), shell=line) for title, line in lines
    )


def servers_of(plan: Plan) -> tuple[RpcServerSpec, ...]:
    """One server per used worker."""
    return tuple(
        RpcServerSpec(
            machine_id=worker.offer.machine_id,
            machine_name=worker.offer.machine_name,
            endpoint=worker.offer.endpoint,
            worker_ids=(worker.id,),
            runtime_names=(worker.offer.runtime_name,),
            threads=worker.offer.threads,
            memory_limit_bytes=(worker.needed_bytes,),
        )
        for worker in plan.used_workers
    )


def map_of(plan: Plan, *, reported: bool) -> LayerMap:
    """Planned, and actual as planned when reported."""
    return LayerMap(
        places=tuple(
            LayerPlace(
                layer=layer,
                planned=plan.worker_of_layer(layer),
                actual=plan.worker_of_layer(layer) if reported else None,
            )
            for layer in range(plan.model.n_layers + 1)
        )
    )


def processes_of(plan: Plan, phase: ProcessPhase) -> tuple[ProcessSeen, ...]:
    """rpc-servers of a plan."""
    return tuple(
        ProcessSeen(
            id=ProcessId(f"rpc-server {server.endpoint}"),
            title=f"rpc-server for {server.worker_ids[0].partition('/')[2]}",
            phase=phase,
            argv=("ggml-rpc-server", "-p", str(server.port)),
            endpoint=server.endpoint,
            pid=4100 + number,
            worker_ids=server.worker_ids,
            n_lines=3,
        )
        for number, server in enumerate(servers_of(plan))
    )


def a_coordinator(phase: ProcessPhase) -> ProcessSeen:
    """llama-server."""
    return ProcessSeen(
        id=ProcessId("llama-server"), title="llama-server", phase=phase, argv=("llama-server",), pid=4200, n_lines=240
    )


def samples(n: int = 240) -> tuple[ThroughputSample, ...]:
    """Two minutes and more with a gap in the middle."""
    return tuple(
        ThroughputSample(
            at_seconds=NOW - n + index,
            decode_tokens_per_second=None if 100 <= index < 130 else 18.2 + ((index * 37) % 19 - 9) / 8,
            prefill_tokens_per_second=521 + ((index * 53) % 41 - 20) if index % 40 < 6 else None,
        )
        for index in range(n)
    )
