"""What a person chose, as a cluster file keeps it: its ``[run]`` table. No secret has a place in it.

::

    [run]
    model = "/models/gemma.gguf"       # a path; a relative one begins at the cluster file's folder
    context_tokens = 4096
    slots = 1
    cache_type_k = "f16"
    cache_type_v = "f16"
    policy = "fastest"                 # or even, memory
    layout = "per-device"              # or traditional, per-machine
    prompt_share = 0.0                 # 0 = chat, 1 = documents
    left_out = ["gpu-node/cpu"]        # workers, MACHINE/DEVICE
    split = { name = "drawn by hand", seats = [ { worker = "gpu-node/cuda:0", layers = 12 } ] }

and ``batch_tokens``, ``ubatch_tokens``, ``flash_attention``, ``reserve_fraction``, ``cpu_workers``, ``keep_running`` and
``api_port``. Everything is optional. Rejected: llama.cpp's own letters as keys (``c``, ``ctk``), which nobody can read.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from engine.errors import BadClusterFile
from engine.llama_cpp.gguf.tensor_types import CACHE_TYPES
from engine.vocabulary.plan import Policy
from engine.vocabulary.worker import Layout

_Count = Annotated[int, msgspec.Meta(ge=1, lt=2**31)]


class SeatEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of a split's ``seats``."""

    worker: str
    layers: Annotated[int, msgspec.Meta(ge=0, lt=2**16)]


class SplitEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``split``: which worker holds how many layers, in this order."""

    name: str
    seats: tuple[SeatEntry, ...]


class RunEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[run]``."""

    model: str | None = None
    context_tokens: _Count = 4096
    slots: _Count = 1
    batch_tokens: _Count = 2048
    ubatch_tokens: _Count = 256
    cache_type_k: str = "f16"
    cache_type_v: str = "f16"
    flash_attention: bool | None = None
    policy: Policy = Policy.FASTEST
    layout: Layout = Layout.PER_DEVICE
    prompt_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    reserve_fraction: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.20
    cpu_workers: _Count = 1
    keep_running: bool = False
    api_port: Annotated[int, msgspec.Meta(ge=1, lt=65536)] = 8080
    left_out: tuple[str, ...] = ()
    split: SplitEntry | None = None


def check_run(run: RunEntry, file_name: str) -> None:
    """What the types do not say. Raises ``BadClusterFile``."""
    for key, kind in (("cache_type_k", run.cache_type_k), ("cache_type_v", run.cache_type_v)):
        if kind not in CACHE_TYPES:
            raise BadClusterFile(
                f"{file_name}: run.{key} = {kind!r} is no type of a KV cache.",
                advice=f"Choose one of {', '.join(CACHE_TYPES)}.",
            )
    if run.split is not None and len({seat.worker for seat in run.split.seats}) != len(run.split.seats):
        raise BadClusterFile(f"{file_name}: run.split seats a worker twice.", advice="Name every worker once.")
