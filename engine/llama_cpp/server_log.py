"""What llama-server says while it loads, line by line, as typed events.

Takes both forms: objects of ``--log-jsonl`` (``{"type":"log","level":"info","msg":"..."}``) and plain lines (``0.00.741.818
D ...``), mixed, because aborts bypass the logger. Lines that say nothing we show are passed over; nothing here ever fails.
The formats are those of ``tests/recorded/llama-server-*``.

How far a load is: at no verbosity does llama-server print a dot or a tensor, since it sets a progress callback of its own
(server-context.cpp:960). With ``LLAMA_SERVER_ROUTER_PORT=0`` in its environment it believes to be the child of its own router
and prints the fraction *of bytes* (``size_done / size_data``, llama-model-loader.cpp:1633) five times a second; but then it
also ends as soon as its stdin is closed (server-models.cpp:1766), so stdin must be held open. Older builds and the other
programs print one dot per percent. Both become ``LoadProgressed``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.llama_cpp.crash_lines import FatalError, fatal_error_in
from engine.vocabulary.running.layer_map import ActualBuffers

CPU_DEVICE = "CPU"
_MAPPED = "_Mapped"
_MIB = 1024 * 1024
_LONGEST_LINE = 4000


class BufferKind(StrEnum):
    """What a buffer is for."""

    WEIGHTS = "weights"
    KV = "kv"
    COMPUTE = "compute"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerAssigned:
    """``load_tensors: layer 5 assigned to device RPC1``. The highest layer is the output layer."""

    layer: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferAllocated:
    """A buffer and its size, which llama.cpp rounds to 0.01 MiB."""

    kind: BufferKind
    buffer_name: str
    """``RPC0[127.0.0.1:50052]``, ``CPU_Mapped``, ``CUDA0``: see ``buffer_owner``."""
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUsed:
    """``using device RPC0 (127.0.0.1:50052)``: devices in the order in which layers are dealt out."""

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineDecided:
    """Whether prompts are worked on by several workers at once. Said before the first compute buffer."""

    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgressed:
    """Share of the weights' bytes that has been sent, 0..1."""

    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersOffloaded:
    """``offloaded 19/19 layers to GPU``: must be all."""

    n_offloaded: int
    n_layers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoaded:
    """Weights and contexts are in place; ``/health`` answers from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The address of the API. Printed after the model is loaded, although ``/health`` answers 503 long before."""

    url: str


LogEvent = (
    LayerAssigned
    | BufferAllocated
    | DeviceUsed
    | PipelineDecided
    | LoadProgressed
    | LayersOffloaded
    | ModelLoaded
    | Listening
    | FatalError
)

_PLAIN_PREFIX = re.compile(r"(?:\x1b\[[0-9;]*m)*(?:\d+\.\d\d\.\d{3}\.\d{3} [A-Z] )?(?:\x1b\[[0-9;]*m)*")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LAYER = re.compile(r"load_tensors: layer\s+(\d{1,6}) assigned to device ([^\s,]+)")
_BUFFER = re.compile(r"(\S+)\s+(model|KV|RS|compute) buffer size\s*=\s*(\d{1,9}(?:\.\d+)?) MiB")
_DEVICE = re.compile(r"using device (\S+) \((.*?)\)(?: \(.*?\))? - \d+ MiB free")
_OFFLOADED = re.compile(r"offloaded (\d{1,6})/(\d{1,6}) layers")
_LISTENING = re.compile(r"listening on (https?://\S+)")
PROGRESS_ENVIRONMENT = (("LLAMA_SERVER_ROUTER_PORT", "0"),)
"""What makes llama-server print its load progress."""

NO_BACKTRACE = (("GGML_NO_BACKTRACE", "1"),)
"""Else a program of llama.cpp that aborts has gdb print its stack first, where there is one: 5 s in which it neither serves
nor ends (seen). The line that says why comes before."""

STOP_LINE = "cmd_router_to_child:exit"
"""The line on standard input with which a llama-server that runs so ends. A signal alone is not enough: its monitor
thread goes on reading, and the exit waits for it (seen: 0.1 s with the line, for ever without)."""

_STATE = "cmd_child_to_router:state:"
_KINDS = {
    "model": BufferKind.WEIGHTS,
    "KV": BufferKind.KV,
    "RS": BufferKind.KV,  # recurrent state: what Mamba and RWKV layers have instead of a KV cache
    "compute": BufferKind.COMPUTE,
}
_OWNER = re.compile(r"RPC(?P<index>\d*)\[(?P<endpoint>[^\]]+)\]")


class ServerLog:
    """Feed it every line; it remembers only what one line cannot tell (dots so far, whether the pipeline was mentioned)."""

    def __init__(self) -> None:
        self._dots = 0
        self._pipeline_said = False
        self._fatal_said: set[str] = set()

    def feed(self, line: str) -> tuple[LogEvent, ...]:
        """Events of one line, usually none."""
        if line.startswith(_STATE):
            return _progress_of_state(line.removeprefix(_STATE))
        message = message_of(line)
        return tuple(event for part in message.splitlines() for event in self._events(part[:_LONGEST_LINE]))

    def _events(self, text: str) -> tuple[LogEvent, ...]:
        stripped = text.strip()
        if stripped and not stripped.strip("."):
            return self._progress_of_dots(len(stripped))
        for needle, read in _READERS:
            if needle in text:
                event = read(text)
                if event is not None:
                    return (*self._pipeline_before(event), event)
        return self._fatal(text)

    def _progress_of_dots(self, dots: int) -> tuple[LoadProgressed, ...]:
        self._dots = min(100, self._dots + dots)
        return (LoadProgressed(fraction=self._dots / 100),)

    def _pipeline_before(self, event: LogEvent) -> tuple[PipelineDecided, ...]:
        if isinstance(event, PipelineDecided):
            self._pipeline_said = True
        is_compute = isinstance(event, BufferAllocated) and event.kind is BufferKind.COMPUTE
        if not is_compute or self._pipeline_said:
            return ()
        self._pipeline_said = True
        return (PipelineDecided(enabled=False),)

    def _fatal(self, text: str) -> tuple[FatalError, ...]:
        error = fatal_error_in(text)
        if error is None or error.sentence in self._fatal_said or (error.vague and self._fatal_said):
            return ()
        self._fatal_said.add(error.sentence)
        return (error,)


def message_of(line: str) -> str:
    """What a line says, without the wrapping of ``--log-jsonl`` or the time and level in front of a plain line."""
    if line.startswith('{"type"'):
        try:
            message = json.loads(line).get("msg", "")
        except (ValueError, RecursionError):
            return line
        return message if isinstance(message, str) else ""
    prefix = _PLAIN_PREFIX.match(line)
    return line[prefix.end() :] if prefix else line


def readable(line: str) -> str:
    """A line as a person reads it: what ``--log-jsonl`` wraps is unwrapped, the level's first letter in front."""
    if not line.startswith('{"type":"log"'):
        return line
    try:
        level = str(json.loads(line).get("level", ""))
    except (ValueError, RecursionError):
        return line
    return f"{level[:1].upper()} {_COLOUR.sub('', message_of(line)).rstrip()}"


def buffer_owner(buffer_name: str) -> tuple[str, int] | None:
    """``RPC0[127.0.0.1:50052]`` -> (endpoint, index of the device *on that server*); ``None`` for the coordinator's own
    buffers.

    The index is not the number in ``RPC1`` device names, which counts over all servers (ggml-rpc.cpp,
    ``ggml_backend_rpc_add_server``). Up to October 2025 there was no index: 0.
    """
    match = _OWNER.fullmatch(buffer_name)
    return (match["endpoint"], int(match["index"] or 0)) if match else None


def native_device_of(buffer_name: str) -> str | None:
    """``CPU_Mapped`` -> ``CPU``, ``CUDA0`` -> ``CUDA0``: the device of the coordinator's own in whose memory it is; ``None``
    for a buffer of an rpc-server. ``CUDA_Host`` and the like are RAM that is made ready for a card: the coordinator's."""
    if buffer_owner(buffer_name) is not None:
        return None
    return CPU_DEVICE if buffer_name.split("_")[0] == CPU_DEVICE else buffer_name


def with_buffer(buffers: ActualBuffers, event: BufferAllocated) -> ActualBuffers:
    """``buffers`` with one more report. Weights and KV add up (one line per cache); a compute buffer replaces the last one,
    because llama.cpp reports it again when it retries without the pipeline."""
    if event.kind is BufferKind.WEIGHTS:
        mapped = event.bytes if event.buffer_name.endswith(_MAPPED) else 0
        return replace(buffers, weights_bytes=buffers.weights_bytes + event.bytes, mapped_bytes=buffers.mapped_bytes + mapped)
    if event.kind is BufferKind.KV:
        return replace(buffers, kv_bytes=buffers.kv_bytes + event.bytes)
    return replace(buffers, compute_bytes=event.bytes)


def _progress_of_state(text: str) -> tuple[LoadProgressed, ...]:
    try:
        state = json.loads(text)
        payload = state["payload"] if state["state"] == "loading" else {}
        fraction = float(payload["value"]) if payload.get("current") == "text_model" else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()
    if fraction is None or not 0 <= fraction <= 1:
        return ()
    return (LoadProgressed(fraction=fraction),)


def _layer(text: str) -> LogEvent | None:
    match = _LAYER.search(text)
    return LayerAssigned(layer=int(match[1]), device=match[2]) if match else None


def _buffer(text: str) -> LogEvent | None:
    match = _BUFFER.search(text)
    if match is None:
        return None
    return BufferAllocated(kind=_KINDS[match[2]], buffer_name=match[1], bytes=round(float(match[3]) * _MIB))


def _device(text: str) -> LogEvent | None:
    match = _DEVICE.search(text)
    return DeviceUsed(name=match[1], description=match[2]) if match else None


def _offloaded(text: str) -> LogEvent | None:
    match = _OFFLOADED.search(text)
    return LayersOffloaded(n_offloaded=int(match[1]), n_layers=int(match[2])) if match else None


def _listening(text: str) -> LogEvent | None:
    match = _LISTENING.search(text)
    return Listening(url=match[1]) if match else None


_READERS: tuple[tuple[str, Callable[[str], LogEvent | None]], ...] = (
    (" assigned to device ", _layer),
    (" buffer size", _buffer),
    ("using device ", _device),
    ("offloaded ", _offloaded),
    ("retrying without pipeline parallelism", lambda _text: PipelineDecided(enabled=False)),
    ("pipeline parallelism enabled", lambda _text: PipelineDecided(enabled=True)),
    ("model loaded", lambda _text: ModelLoaded()),
    ("listening on ", _listening),
)
