"""The command lines of llama.cpp's programs, from a plan, in the dialect of the program that will read them.

An option goes on a line only if that program's own help lists it; what the plan cannot do without is an error when it is
missing. Names and order: a coordinator numbers the devices of all its rpc-servers ``RPC0``, ``RPC1``, ... in the order of
``--rpc``, all devices of one endpoint first (ggml-rpc.cpp, ``ggml_backend_rpc_add_server``); ``-dev`` then gives the order
of the plan, and must stand after ``--rpc``, because names are looked up while arguments are parsed. Rejected: leaving
``-dev`` out when the orders agree (one way is easier to trust than two).

What llama-server uses itself stands in ``-dev`` under its own name (``CUDA0``). Its CPU has no name there: a model that is on
the CPU as a whole is told by ``-dev none -ngl 0``, and ``--rpc`` is left out where there is nobody to reach.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import BadInput, RuntimeUnavailable
from engine.llama_cpp.dialects import Dialect
from engine.llama_cpp.layer_assignment import ALL_LAYERS
from engine.vocabulary.plan import Plan
from engine.vocabulary.worker import RpcServerSpec, WorkerId

_MIB = 1024 * 1024
_OPTION_COLUMN = re.compile(r"^\s*(--?[A-Za-z][\w-]*(?:,?\s+--?[A-Za-z][\w-]*)*)(?: +[\[<{]([^\]>}]*)[\]>}])?")
_NAME = re.compile(r"--?[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorCommand:
    """A command line, and what its device names mean."""

    argv: tuple[str, ...]
    devices: tuple[tuple[str, WorkerId], ...]
    """``RPC0`` -> worker, for every device that the command registers, in order of registration; then ``CUDA0`` or ``CPU`` ->
    worker, for those that the program uses itself."""


def server_options_of(help_text: str) -> frozenset[str]:
    """Options that llama-server or llama-bench lists in its help, and, where it lists words, each pair too (``-fa on``)."""
    found: set[str] = set()
    for line in help_text.splitlines():
        match = _OPTION_COLUMN.match(line)
        if match is None:
            continue
        names = _NAME.findall(match[1])
        found.update(names)
        words = (match[2] or "").split("|")
        found.update(f"{name} {word.strip()}" for name in names for word in words if len(words) > 1)
    return frozenset(found)


def rpc_server_argv(spec: RpcServerSpec, program: str, dialect: Dialect, *, cache: bool = True) -> tuple[str, ...]:
    """The rpc-server for ``spec``. ``cache`` asks for its file cache (``-c``), where there is one.

    Raises ``BadInput`` for an address that rpc-server would not take, ``RuntimeUnavailable`` when the dialect cannot do it.
    """
    _refuse_host(spec)
    _refuse_devices(spec, dialect)
    argv = [program, "-H", spec.bind_host, "-p", str(spec.bind_port)]
    if dialect.has_device:
        argv += ["-d", ",".join(spec.runtime_names)]
    if dialect.has_threads and spec.threads is not None:
        argv += ["-t", str(spec.threads)]
    if dialect.has_memory and (dialect.memory_list or len(spec.memory_limit_bytes) == 1) and spec.memory_limit_bytes:
        argv += ["--mem", ",".join(str(max(1, limit // _MIB)) for limit in spec.memory_limit_bytes)]
    if dialect.has_cache and cache:
        argv.append("-c")
    return tuple(argv)


def registered_devices(plan: Plan, servers: Iterable[RpcServerSpec]) -> tuple[tuple[str, WorkerId], ...]:
    """``RPC<n>`` -> worker, as a coordinator for this plan numbers them. Servers without a used worker are left out."""
    workers = [worker for server in used_servers(plan, servers) for worker in server.worker_ids]
    return tuple((f"RPC{index}", worker) for index, worker in enumerate(workers))


def native_devices(plan: Plan) -> tuple[tuple[str, WorkerId], ...]:
    """``CUDA0`` or ``CPU`` -> worker, for the devices that llama-server uses itself."""
    return tuple((worker.offer.runtime_name, worker.id) for worker in plan.used_workers if worker.offer.is_native)


def used_servers(plan: Plan, servers: Iterable[RpcServerSpec]) -> tuple[RpcServerSpec, ...]:
    """The servers that offer at least one worker the plan uses, in the order given."""
    used = {worker.id for worker in plan.used_workers}
    return tuple(server for server in servers if used.intersection(server.worker_ids))


def coordinator_argv(
    plan: Plan,
    servers: Sequence[RpcServerSpec],
    *,
    program: str,
    options: frozenset[str],
    api_port: int,
    api_host: str = "127.0.0.1",
    direct_io: bool = False,
    api_key_file: str | None = None,
) -> CoordinatorCommand:
    """llama-server for a plan. ``options`` is ``server_options_of`` its help. ``direct_io``: read the model without mmap.
    ``api_key_file``: it answers only whoever knows the key in it (its health and its model's name are no secrets).

    Raises ``RuntimeUnavailable`` when it lacks an option that the plan needs, ``BadInput`` when no server offers a worker.
    """
    devices = (*registered_devices(plan, servers), *native_devices(plan))
    shape = plan.shape
    line = _Line(program, options)
    line.need("-m", _model_path(plan))
    _add_devices(line, plan, servers, devices, separator=",")
    line.need("-c", str(shape.context_tokens))
    line.need("-np", str(shape.slots))
    line.need("-b", str(shape.batch_tokens))
    line.need("-ub", str(shape.ubatch_tokens))
    _add_cache_types(line, plan)
    if direct_io:
        line.want("--load-mode", "dio")
    line.want("-fit", "off", only_if="-fit off")
    line.want("--cache-ram", "0")
    line.want("-lv", "5")
    line.want("--log-jsonl")
    line.want("--metrics")
    line.need("--host", api_host)
    line.need("--port", str(api_port))
    if api_key_file is not None:
        line.want("--api-key-file", api_key_file)
    return CoordinatorCommand(argv=tuple(line.argv), devices=devices)


def llama_bench_argv(
    plan: Plan,
    servers: Sequence[RpcServerSpec],
    *,
    program: str,
    options: frozenset[str],
    prompt_tokens: int = 512,
    decode_tokens: int = 64,
    repetitions: int = 3,
) -> CoordinatorCommand:
    """llama-bench under the same plan, JSON on stdout. A comma separates *variants* here: devices and shares take a slash."""
    devices = (*registered_devices(plan, servers), *native_devices(plan))
    line = _Line(program, options)
    line.need("-m", _model_path(plan))
    _add_devices(line, plan, servers, devices, separator="/")
    line.need("-p", str(prompt_tokens))
    line.need("-n", str(decode_tokens))
    line.need("-b", str(plan.shape.batch_tokens))
    line.need("-ub", str(plan.shape.ubatch_tokens))
    _add_cache_types(line, plan)
    line.need("-r", str(repetitions))
    line.need("-o", "json")
    return CoordinatorCommand(argv=tuple(line.argv), devices=devices)


def shell_line(argv: Sequence[str], environment: Iterable[tuple[str, str]] = (), *, ignore_sigpipe: bool = False) -> str:
    """One line for a POSIX shell, to be copied.

    With ``ignore_sigpipe`` in the form that keeps a worker alive when the other end of a connection goes away: rpc-server has
    no handler of its own.
    """
    assignments = [f"{name}={shlex.quote(value)}" for name, value in environment]
    command = shlex.join(argv)
    if ignore_sigpipe:
        command = shlex.join(("sh", "-c", f"trap '' PIPE; exec {command}"))
    return " ".join((*assignments, command))


class _Line:
    """A command line in the making, held against the options of the program."""

    def __init__(self, program: str, options: frozenset[str]) -> None:
        self.argv = [program]
        self._options = options

    def need(self, option: str, value: str) -> None:
        if option not in self._options:
            raise RuntimeUnavailable(
                f"{self.argv[0]} has no option {option}, which the plan needs.",
                advice="Use a newer llama.cpp build (with RPC).",
            )
        self.argv += [option, value]

    def want(self, option: str, *value: str, only_if: str | None = None) -> bool:
        listed = (only_if or option) in self._options
        if listed:
            self.argv += [option, *value]
        return listed


def _add_devices(
    line: _Line,
    plan: Plan,
    servers: Sequence[RpcServerSpec],
    devices: tuple[tuple[str, WorkerId], ...],
    *,
    separator: str,
) -> None:
    """Which devices, in which order, with how many layers each."""
    cpu = plan.native_cpu
    if cpu is not None:
        line.need("-dev", "none")
        line.need("-ngl", "0")
        if cpu.offer.threads is not None:
            line.need("-t", str(cpu.offer.threads))
        return
    endpoints = [server.endpoint for server in used_servers(plan, servers)]
    if endpoints:
        line.need("--rpc", ",".join(endpoints))
    line.need("-dev", separator.join(_device_order(plan, devices)))
    line.need("-ngl", str(ALL_LAYERS))
    line.need("-ts", separator.join(str(count) for count in plan.tensor_split))


def _add_cache_types(line: _Line, plan: Plan) -> None:
    line.need("-ctk", plan.shape.cache_type_k)
    line.need("-ctv", plan.shape.cache_type_v)
    flash = plan.shape.flash_attention
    if flash is None:
        return
    word = "on" if flash else "off"
    if not line.want("-fa", word, only_if=f"-fa {word}") and flash:
        line.want("-fa")  # builds before September 2025: a switch that is off by default


def _device_order(plan: Plan, devices: tuple[tuple[str, WorkerId], ...]) -> list[str]:
    names = {worker: name for name, worker in devices}
    missing = [worker.id for worker in plan.used_workers if worker.id not in names]
    if missing:
        raise BadInput(f"No rpc-server offers {', '.join(missing)}, which the plan uses.", advice="Plan again.")
    return [names[worker.id] for worker in plan.used_workers]


def _model_path(plan: Plan) -> str:
    if plan.model.path is None:
        raise BadInput("The plan is for an abstract model: there is no file to load.", advice="Choose a model file.")
    return plan.model.path


def _refuse_host(spec: RpcServerSpec) -> None:
    try:
        ipaddress.IPv4Address(spec.bind_host)
    except ValueError:
        raise BadInput(
            f"rpc-server on {spec.machine_name} cannot listen on “{spec.bind_host}”: it takes only an IPv4 address.",
            advice="Use 127.0.0.1, or the machine's own IPv4 address.",
        ) from None


def _refuse_devices(spec: RpcServerSpec, dialect: Dialect) -> None:
    if not spec.runtime_names:
        raise BadInput(f"The rpc-server at {spec.endpoint} would offer no device.", advice="Give it at least one.")
    if len(spec.runtime_names) > 1 and not dialect.device_list:
        raise RuntimeUnavailable(
            f"The rpc-server on {spec.machine_name} ({dialect.generation}) takes one device, not {len(spec.runtime_names)}.",
            advice="Use the layout per-device, or a newer llama.cpp build.",
        )
