"""Is there room on a worker's disk for what its cache will take? Pure. If not, it starts without one.

rpc-server writes every large tensor that it is sent into a file named by its hash, and does not look whether the writing
worked: on a full disk a file stays short, and the next load takes its bytes for the tensor (ggml-rpc.cpp, ``set_tensor`` and
``get_cached_file``). So a cache is kept only where all of a machine's share fits. Rejected: to look at the disk while it loads
(the damage is done by then), and to check the files by their hashes (as slow as sending them).
"""

from __future__ import annotations

from dataclasses import replace

from engine.session.remotes import WorkerProgram
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.plan import Plan
from engine.vocabulary.worker import CacheBeforeLoad

SPARE_BYTES = 256 * 1024 * 1024
"""Others write to that disk, too."""

Programs = tuple[tuple[MachineId, WorkerProgram], ...]


def with_room(programs: Programs, plan: Plan, here: CacheBeforeLoad) -> tuple[Programs, tuple[str, ...]]:
    """The programs, without a cache where it must not be used or its disk is too full for it, and a sentence for each such
    machine. ``here``: this machine's."""
    kept: list[tuple[MachineId, WorkerProgram]] = []
    notes: list[str] = []
    for machine_id, program in programs:
        workers = [
            worker for worker in plan.used_workers if worker.offer.machine_id == machine_id and not worker.offer.is_native
        ]
        needed_bytes = sum(worker.weights_bytes for worker in workers)
        cache = here if machine_id == THIS_MACHINE else program.cache
        why_not = _why_not(cache, workers[0].offer.machine_name, needed_bytes) if workers else None
        kept.append((machine_id, replace(program, keeps_cache=why_not is None)))
        if why_not is not None:
            notes.append(why_not)
    return tuple(kept), tuple(notes)


def _why_not(cache: CacheBeforeLoad, name: str, needed_bytes: int) -> str | None:
    if cache.why_not is not None:
        return f"The workers of {name} keep no cache this time: {cache.why_not}."
    if cache.free_bytes is not None and cache.free_bytes < needed_bytes + SPARE_BYTES:
        return _too_full(name, cache.free_bytes, needed_bytes)
    return None


def _too_full(name: str, free_bytes: int, needed_bytes: int) -> str:
    free, needed = free_bytes // 1_000_000, needed_bytes // 1_000_000
    return (
        f"The disk of {name} has {free:,} MB left, its share of the model takes {needed:,} MB: its workers keep no cache, so"
        " the next load is as slow as this one."
    )
