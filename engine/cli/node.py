"""``crossplyctl node``: what this machine can contribute, and the command lines that would do it."""

from __future__ import annotations

import argparse

from engine.cli.terminal import exit_codes
from engine.cli.terminal.options import add_json, add_runtime, choices_of
from engine.cli.terminal.output import gigabytes, print_json, print_line
from engine.cluster.servers import servers_of_offers
from engine.llama_cpp.command_lines import rpc_server_argv, shell_line
from engine.open_session import real_outside
from engine.session.as_json import machine_json
from engine.session.one_look import look_once
from engine.session.state import ClusterState
from engine.vocabulary.device import DeviceKind, Gpu
from engine.vocabulary.worker import RpcServerSpec, WorkerOffer

WHAT_HAPPENS = """\
WHAT EACH WORKER DOES
  Each worker is one rpc-server process for one device. It holds the weights and the KV cache of its layers and computes them.
  llama-server on the coordinator walks through the workers; data passes through it, never from worker to worker.

WHAT HAPPENS IN PARALLEL, AND WHAT DOES NOT
  Prompt processing (prefill): workers overlap, micro-batch after micro-batch, when every layer is on a worker and
  llama.cpp is of August 2026 or later (RPC protocol 6).
  Token generation (decode): one worker after the other, always. A CPU worker beside a GPU adds memory; it adds speed only
  when the alternative is a slower device or a slow network.
  The devices of one rpc-server never overlap: that is why each device has a process of its own."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("node", help="what this machine can contribute, and its rpc-server command lines")
    parser.add_argument("--reserve", type=float, help=argparse.SUPPRESS)
    add_runtime(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look and print."""
    state = look_once(real_outside(), choices_of(arguments))
    servers = servers_of_offers(state.offers)
    if arguments.json:
        print_json(_json(state, servers))
    else:
        _print(state, servers)
    return exit_codes.OK


def _json(state: ClusterState, servers: tuple[RpcServerSpec, ...]) -> dict[str, object]:
    return {
        "machine": machine_json(state.machines[0]),
        "runtime": state.runtime.label if state.runtime else None,
        "protocol": str(state.runtime.protocol) if state.runtime and state.runtime.protocol else None,
        "workers": [
            {
                "id": offer.id,
                "device": offer.device_name,
                "kind": offer.kind.value,
                "total_bytes": offer.total_bytes,
                "safe_bytes": offer.safe_bytes,
                "endpoint": offer.endpoint,
                "threads": offer.threads,
            }
            for offer in state.offers
        ],
        "commands": [{"worker_ids": list(server.worker_ids), "shell": _shell(state, server)} for server in servers],
    }


def _print(state: ClusterState, servers: tuple[RpcServerSpec, ...]) -> None:
    machine = state.machines[0]
    n_gpus = sum(offer.kind is DeviceKind.GPU for offer in state.offers)
    n_cpus = len(state.offers) - n_gpus
    print_line("RPC NODE SETUP - Hybrid GPU+CPU Parallelization")
    print_line(f"{machine.name} · {machine.os_name} · {machine.architecture}")
    print_line()
    print_line("DETECTED RESOURCES")
    for gpu in machine.gpus:
        print_line(_gpu_line(gpu, state.offers))
    if machine.why_no_gpu:
        print_line(f"  GPU: {machine.why_no_gpu}")
    for offer in state.offers:
        if offer.kind is DeviceKind.CPU:
            print_line(_cpu_line(state, offer))
    print_line(f"  Total parallel workers: {len(state.offers)} ({n_cpus} CPU + {n_gpus} GPU)")
    print_line()
    print_line("GENERATED RPC-SERVER COMMANDS")
    for server in servers:
        print_line(f"  # {', '.join(server.worker_ids)} at {server.endpoint}")
        print_line(_shell(state, server) or "  (no llama.cpp programs yet: crossplyctl runtime build)")
    if state.runtime is not None:
        protocol = state.runtime.protocol
        print_line(f"  # llama.cpp {state.runtime.label}, RPC protocol {protocol or 'unknown'}, from {state.runtime.folder}")
    print_line()
    print_line(WHAT_HAPPENS)


def _gpu_line(gpu: Gpu, offers: tuple[WorkerOffer, ...]) -> str:
    offer = next((offer for offer in offers if offer.device_name == gpu.friendly_name), None)
    if offer is None:
        why = gpu.why_no_runtime_name or gpu.why_no_memory or "it is not offered under this layout"
        return f"  GPU {gpu.index}: {gpu.name}, not a worker: {why}"
    device = f"{gpu.friendly_name}, --device {gpu.runtime_name}"
    software = ", computes on the CPU" if gpu.software else ""
    return f"  GPU {gpu.index}: {gpu.name} ({device}{software}), safe VRAM {gigabytes(offer.safe_bytes)}"


def _cpu_line(state: ClusterState, offer: WorkerOffer) -> str:
    cpu = state.machines[0].cpu
    return (
        f"  CPU: {cpu.name}, {cpu.physical_cores or 'unknown'} cores; RAM {gigabytes(cpu.ram_total_bytes)}, "
        f"{gigabytes(cpu.ram_available_bytes)} available, CPU RAM (safe) {gigabytes(offer.safe_bytes)}"
    )


def _shell(state: ClusterState, server: RpcServerSpec) -> str:
    if state.runtime is None or state.dialect is None:
        return ""
    return shell_line(rpc_server_argv(server, state.runtime.rpc_server, state.dialect), ignore_sigpipe=True)
