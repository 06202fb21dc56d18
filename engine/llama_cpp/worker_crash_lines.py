"""The last lines of an rpc-server that ended by itself, and what they say about why.

rpc-server aborts for every fault of its device (``GGML_ASSERT``, ``CUDA error``), and exits 0 where it could not listen; the
line is all there is to tell. From the sources: ggml-rpc.cpp, rpc-server.cpp, ggml-cuda.cu (``ggml_cuda_error``, which prints
``cudaGetErrorString``), ggml-vulkan.cpp, ggml-metal; CUDA's words are those of driver_types.h. Order matters: a device that
ran out of memory also reports an unsuccessful graph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.vocabulary.running.fault import FaultCause

LOOKED_AT = 60
"""A stack trace of some thirty lines follows the one that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerWords:
    """What it said about its end."""

    cause: FaultCause
    line: str
    advice: str
    needs_bytes: int | None = None


_PORT = "Another program listens there: launch again, and another port is taken."
_MEMORY = "Give it fewer layers, use a shorter context or a smaller micro-batch, or close other programs there."
_DEVICE = "See the system's log there (Xid, reset); the device may come back only with a restart of that machine."
_DISK = "Free some space on that machine: the cache of its workers may be deleted."

_NO_MEMORY = (
    r"(?:CUDA|ROCm|MUSA) error: out of memory|Malloc failed: out of memory|std::bad_alloc|Insufficient Memory"
    r"|ErrorOutOf(?:Device|Host)Memory|RESULT_ERROR_OUT_OF_\w*MEMORY|OutOfMemory"
)
_LOST = (
    r"(?:CUDA|ROCm|MUSA) error: (?:unspecified launch failure|no (?:CUDA|ROCm)-capable device|device not found"
    r"|invalid device ordinal|the launch timed out|uncorrectable ECC error|hardware stack error|unknown error"
    r"|all CUDA-capable devices are busy|driver shutting down|GPU is lost|device kernel image is invalid)"
    r"|ErrorDeviceLost|DEVICE_LOST|fallen off the bus|\bXid\b"
)

_TABLE: tuple[tuple[re.Pattern[str], FaultCause, str], ...] = tuple(
    (re.compile(pattern), cause, advice)
    for pattern, cause, advice in (
        (r"Failed to create server socket|Address already in use", FaultCause.PORT_TAKEN, _PORT),
        (r"No space left on device", FaultCause.DISK_FULL, _DISK),
        (_NO_MEMORY, FaultCause.WORKER_OUT_OF_MEMORY, _MEMORY),
        (r"failed to allocate \S{1,200} buffer of size (?P<size>\d{1,18})", FaultCause.WORKER_OUT_OF_MEMORY, _MEMORY),
        (_LOST, FaultCause.DEVICE_LOST, _DEVICE),
        (r"Unsuccessful graph computations are not supported with RPC", FaultCause.DEVICE_LOST, _DEVICE),
    )
)


def worker_words(lines: tuple[str, ...]) -> WorkerWords | None:
    """What the last lines say; ``None`` = nothing that is known."""
    last = lines[-LOOKED_AT:]
    for pattern, cause, advice in _TABLE:
        for line in reversed(last):
            match = pattern.search(line)
            if match is not None:
                size = match.groupdict().get("size")
                needs = int(size) if size else None
                return WorkerWords(cause=cause, line=line.strip(), advice=advice, needs_bytes=needs)
    return None
