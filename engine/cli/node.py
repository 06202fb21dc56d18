"""``crossplyctl node``: what this machine can contribute, and the command lines that would do it."""

from __future__ import annotations

import argparse
import signal
import threading
from dataclasses import dataclass

from engine.cli.serve_node import SERVED_CACHE, serve, specs_of
from engine.cli.terminal import exit_codes
from engine.cli.terminal.gather import LOOKED_AT, gathered, looked_once, looking_foreground, why_not
from engine.cli.terminal.machine_options import add_machines
from engine.cli.terminal.options import add_json, add_runtime, choices_of
from engine.cli.terminal.output import gigabytes, print_json, print_line, printable
from engine.cluster.servers import servers_of_offers
from engine.errors import BadInput, ProcessFailed
from engine.llama_cpp.command_lines import rpc_server_argv, shell_line
from engine.llama_cpp.dialects import Dialect
from engine.open_session import real_outside
from engine.planning.offers import offers_of_machine
from engine.runtimes.worker_cache import prune
from engine.session.state import Choices
from engine.session.telling.as_json import machine_json
from engine.settings.folders import find_folders
from engine.vocabulary.device import DeviceKind, Gpu
from engine.vocabulary.machine import THIS_MACHINE, Machine
from engine.vocabulary.runtime import Runtime
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
    parser.add_argument(
        "--serve",
        action="store_true",
        help="start these workers on this machine's loopback and stay, for a Crossply that logs in to this account",
    )
    add_machines(parser)
    add_runtime(parser)
    add_json(parser)
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine, and the programs that are on it."""

    machine: Machine
    offers: tuple[WorkerOffer, ...]
    runtime: Runtime | None
    dialect: Dialect | None

    @property
    def servers(self) -> tuple[RpcServerSpec, ...]:
        """What would be started on it."""
        return servers_of_offers(self.offers)


def run(arguments: argparse.Namespace) -> int:
    """Look and print."""
    choices = choices_of(arguments)
    if len(choices.targets) > 1:
        raise BadInput("crossplyctl node shows one machine at a time.", advice="Name one --machine.")
    if arguments.serve and choices.targets:
        raise BadInput("crossplyctl node --serve is for this machine.", advice="Run it on the machine that is to serve.")
    node = _remote_node(arguments, choices) if choices.targets else _this_node(choices)
    if arguments.serve:
        return _serve(node)
    if arguments.json:
        print_json(_json(node))
    else:
        _print(node)
    return exit_codes.OK


def _serve(node: Node) -> int:
    if node.runtime is None or node.dialect is None:
        raise ProcessFailed("There are no usable llama.cpp programs on this machine.", advice="Run crossplyctl runtime build.")
    folders = find_folders()
    cache = folders.cache / SERVED_CACHE
    specs = specs_of(node.servers, node.runtime, node.dialect, str(cache))
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: asked.set())
    return serve(specs, real_outside().starter, folders.data, asked.wait, empty_cache=lambda: prune(cache, 0))


def _this_node(choices: Choices) -> Node:
    state = looked_once(real_outside(), choices)
    return Node(machine=state.machines[0], offers=state.offers, runtime=state.runtime, dialect=state.dialect)


def _remote_node(arguments: argparse.Namespace, choices: Choices) -> Node:
    """As it would say of itself: its workers bound to its own loopback."""
    with looking_foreground(real_outside(), choices) as foreground:
        foreground.wait_until_planned()
        state = gathered(foreground, arguments, enough=LOOKED_AT)
    (seen,) = state.remotes
    if seen.look is None:
        raise why_not(seen, state)
    usable = seen.look.usable
    return Node(
        machine=seen.look.machine,
        offers=offers_of_machine(seen.look.machine, state.choices.layout, state.choices.reserve_fraction),
        runtime=usable.runtime if usable else None,
        dialect=seen.dialect,
    )


def _json(node: Node) -> dict[str, object]:
    runtime = node.runtime
    return {
        "machine": machine_json(node.machine),
        "runtime": runtime.label if runtime else None,
        "protocol": str(runtime.protocol) if runtime and runtime.protocol else None,
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
            for offer in node.offers
        ],
        "commands": [{"worker_ids": list(server.worker_ids), "shell": _shell(node, server)} for server in node.servers],
    }


def _print(node: Node) -> None:
    machine = node.machine
    n_gpus = sum(offer.kind is DeviceKind.GPU for offer in node.offers)
    n_cpus = len(node.offers) - n_gpus
    print_line("RPC NODE SETUP - Hybrid GPU+CPU Parallelization")
    print_line(printable(f"{machine.name} · {machine.os_name} · {machine.architecture}"))
    print_line()
    print_line("DETECTED RESOURCES")
    for gpu in machine.gpus:
        print_line(_gpu_line(gpu, node.offers))
    if machine.why_no_gpu:
        print_line(f"  GPU: {machine.why_no_gpu}")
    for offer in node.offers:
        if offer.kind is DeviceKind.CPU:
            print_line(_cpu_line(machine, offer))
    print_line(f"  Total parallel workers: {len(node.offers)} ({n_cpus} CPU + {n_gpus} GPU)")
    print_line()
    print_line("GENERATED RPC-SERVER COMMANDS")
    for server in node.servers:
        print_line(f"  # {', '.join(server.worker_ids)} at {server.endpoint}")
        print_line(_shell(node, server) or f"  ({_how_to_get_programs(machine)})")
    if node.runtime is not None:
        protocol = node.runtime.protocol
        print_line(f"  # llama.cpp {node.runtime.label}, RPC protocol {protocol or 'unknown'}, from {node.runtime.folder}")
    print_line()
    print_line(WHAT_HAPPENS)


def _how_to_get_programs(machine: Machine) -> str:
    if machine.id == THIS_MACHINE:
        return "no llama.cpp programs yet: crossplyctl runtime build"
    return f"no llama.cpp programs that fit ours yet: crossplyctl machine copy-runtime {machine.id}"


def _gpu_line(gpu: Gpu, offers: tuple[WorkerOffer, ...]) -> str:
    offer = next((offer for offer in offers if offer.device_name == gpu.friendly_name), None)
    if offer is None:
        why = gpu.why_no_runtime_name or gpu.why_no_memory or "it is not offered under this layout"
        return f"  GPU {gpu.index}: {gpu.name}, not a worker: {why}"
    device = f"{gpu.friendly_name}, --device {gpu.runtime_name}"
    software = ", computes on the CPU" if gpu.software else ""
    return f"  GPU {gpu.index}: {gpu.name} ({device}{software}), safe VRAM {gigabytes(offer.safe_bytes)}"


def _cpu_line(machine: Machine, offer: WorkerOffer) -> str:
    cpu = machine.cpu
    return (
        f"  CPU: {cpu.name}, {cpu.physical_cores or 'unknown'} cores; RAM {gigabytes(cpu.ram_total_bytes)}, "
        f"{gigabytes(cpu.ram_available_bytes)} available, CPU RAM (safe) {gigabytes(offer.safe_bytes)}"
    )


def _shell(node: Node, server: RpcServerSpec) -> str:
    if node.runtime is None or node.dialect is None:
        return ""
    return shell_line(rpc_server_argv(server, node.runtime.rpc_server, node.dialect), ignore_sigpipe=True)
