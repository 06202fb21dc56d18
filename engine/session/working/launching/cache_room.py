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

SPARE_BYTES = 256 * 1024 * 1024
"""Others write to that disk, too."""

Programs = tuple[tuple[MachineId, WorkerProgram], ...]


def with_room(programs: Programs, plan: Plan, free_here_bytes: int | None) -> tuple[Programs, tuple[str, ...]]:
    """The programs, without a cache where its disk is too full for it, and a sentence for each such machine."""
    kept: list[tuple[MachineId, WorkerProgram]] = []
    notes: list[str] = []
    for machine_id, program in programs:
        workers = [
            worker for worker in plan.used_workers if worker.offer.machine_id == machine_id and not worker.offer.is_native
        ]
        needed_bytes = sum(worker.weights_bytes for worker in workers)
        free_bytes = free_here_bytes if machine_id == THIS_MACHINE else program.cache_free_bytes
        full = bool(workers) and free_bytes is not None and free_bytes < needed_bytes + SPARE_BYTES
        kept.append((machine_id, replace(program, keeps_cache=not full)))
        if full and free_bytes is not None:
            notes.append(_too_full(workers[0].offer.machine_name, free_bytes, needed_bytes))
    return tuple(kept), tuple(notes)


def _too_full(name: str, free_bytes: int, needed_bytes: int) -> str:
    free, needed = free_bytes // 1_000_000, needed_bytes // 1_000_000
    return (
        f"The disk of {name} has {free:,} MB left, its share of the model takes {needed:,} MB: its workers keep no cache, so"
        " the next load is as slow as this one."
    )
