"""The lines with which llama-server ends, and what they mean for a person.

llama.cpp aborts for most faults of a worker (SIGABRT, exit status 134), and the line that says so is followed by a stack
trace and often by vaguer lines. Each pattern here was seen in a recording (``tests/recorded/llama-server-*``) or read in the
source; rejected: showing the last line of the log, which is a stack frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.vocabulary.running.fault import FaultCause

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FatalError:
    """Why llama-server ends, *if* it ends: after a failed allocation it may go on with less."""

    sentence: str
    advice: str
    endpoint: str | None = None
    """The worker concerned, when the line names it."""
    vague: bool = False
    """A line that only says that it failed; worth showing when nothing better was said before."""
    cause: FaultCause = FaultCause.COORDINATOR_ENDED
    buffer: str | None = None
    """The buffer that could not be allocated: ``RPC0[10.0.0.2:50052]``, ``CUDA0``."""
    needs_bytes: int | None = None
    """Its size, where the line says it."""


_ENDPOINT = r"(?P<endpoint>[\w.\-]+:\d{1,5})"
_PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), sentence, advice)
    for pattern, sentence, advice in (
        (
            rf"Failed to connect to {_ENDPOINT}",
            "llama-server could not reach the rpc-server at {endpoint}.",
            "Start the worker again, or leave it out of the plan.",
        ),
        (
            r"RPC server version mismatch: (?P<version>[\d.]{1,20})",
            "An rpc-server speaks protocol {version}, which this llama-server does not.",
            "Use the same llama.cpp build on every machine.",
        ),
        (
            rf"RPC handshake failed for {_ENDPOINT}",
            "The rpc-server at {endpoint} and this llama-server do not understand each other.",
            "Use the same llama.cpp build on every machine.",
        ),
        (
            r"Remote RPC server crashed or returned malformed response",
            "A worker ended, or it is of another llama.cpp build, while llama-server was talking to it.",
            "See which worker is gone and why, then start again; if none is gone, use one build everywhere.",
        ),
        (
            r"failed to allocate (?P<buffer>\S{1,200}) buffer of size (?P<size>\d{1,24})",
            "{owner} has no room for a buffer of {mib} MiB.",
            "Give it fewer layers, use a shorter context, or keep a larger reserve.",
        ),
        (
            r"unable to allocate (?P<buffer>\S{1,200}) buffer",
            "{owner} has no room for its share of the model.",
            "Give it fewer layers, use a shorter context, or keep a larger reserve.",
        ),
        (
            r"couldn't bind HTTP server socket, hostname: (?P<host>\S{1,200}), port: (?P<port>\d{1,5})",
            "llama-server could not listen on {host}:{port}: another program does.",
            "Stop that program, or choose another port.",
        ),
        (
            r"invalid magic characters: '(?P<magic>[^']{0,8})'",
            "The model file is not a GGUF file: it starts with “{magic}”.",
            "Choose another model file.",
        ),
        (
            r"failed to open GGUF file '(?P<path>[^']{1,1000})' \((?P<why>[^)]{1,100})\)",
            "llama-server could not open {path}: {why}.",
            "Check the path and the permissions.",
        ),
        (
            r"unknown model architecture: '(?P<name>[^']{1,100})'",
            "This llama.cpp does not know models of the kind “{name}”.",
            "Use a newer llama.cpp.",
        ),
        (
            r'error while handling argument "(?P<option>[^"]{1,60})": (?P<why>.{1,300})',
            "llama-server refused the option {option}: {why}.",
            "This is the plan or the build: see the command.",
        ),
        (
            r"GGML_ASSERT\((?P<what>.{1,200})\) failed",
            "llama.cpp stopped itself: “{what}” does not hold.",
            "This is a fault of llama.cpp: try a newer build, or without flash attention or a quantised KV cache.",
        ),
        (
            r"(?:CUDA error: out of memory|ErrorOutOfDeviceMemory|std::bad_alloc)",
            "The coordinator's machine ran out of memory.",
            "Use a shorter context or a smaller micro-batch, or close other programs.",
        ),
        (
            r"No space left on device",
            "The disk of llama-server's machine is full.",
            "Free some space; the model itself is only read.",
        ),
    )
)
_VAGUE: tuple[tuple[str, str, str], ...] = (
    # CUDA's own line; the next one says which buffer it was (recorded: nvidia-h100/out_of_memory_itself.log).
    (
        "cudaMalloc failed: out of memory",
        "The coordinator's GPU ran out of memory.",
        "Use a shorter context, or fewer layers.",
    ),
    ("error loading model: ", "llama-server could not load the model.", "See its log."),
    ("exiting due to model loading error", "llama-server could not load the model.", "See its log."),
    ("exiting due to HTTP server error", "llama-server could not open its API.", "See its log."),
)


def fatal_error_in(line: str) -> FatalError | None:
    """What a line says about the end of llama-server, or ``None``."""
    for pattern, sentence, advice in _PATTERNS:
        match = pattern.search(line)
        if match is not None:
            found = _details(match)
            return FatalError(
                sentence=sentence.format(**found),
                advice=advice,
                endpoint=found.get("endpoint"),
                cause=_cause_of(line, found),
                buffer=found.get("buffer"),
                needs_bytes=int(found["size"]) if "size" in found else None,
            )
    for needle, sentence, advice in _VAGUE:
        if needle in line:
            return FatalError(sentence=sentence, advice=advice, vague=True)
    return None


def _cause_of(line: str, found: dict[str, str]) -> FaultCause:
    if "buffer" in found:
        return FaultCause.WORKER_OUT_OF_MEMORY if "endpoint" in found else FaultCause.COORDINATOR_OUT_OF_MEMORY
    return next((cause for needle, cause in _CAUSES if re.search(needle, line)), FaultCause.COORDINATOR_ENDED)


_CAUSES: tuple[tuple[str, FaultCause], ...] = (
    ("couldn't bind HTTP server socket", FaultCause.PORT_TAKEN),
    ("Failed to connect to ", FaultCause.NEVER_ANSWERED),
    ("out of memory|ErrorOutOfDeviceMemory|bad_alloc", FaultCause.COORDINATOR_OUT_OF_MEMORY),
    ("No space left on device", FaultCause.DISK_FULL),
)


def _details(match: re.Match[str]) -> dict[str, str]:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "buffer" in found:
        remote = re.fullmatch(rf"RPC\d*\[{_ENDPOINT}\]", found["buffer"])
        found["owner"] = f"The worker at {remote['endpoint']}" if remote else f"The coordinator's {found['buffer']}"
        if remote:
            found["endpoint"] = remote["endpoint"]
    if "size" in found:
        found["mib"] = f"{int(found['size']) // _MIB:,}"
    return found
