"""The known cure of a known crash, and how a plan and a command line take it. Pure.

Sources are in ``vocabulary.running.recovery.Cure``. Each cure is tried once in a run: a second crash of the same kind is then
started again as it is, or with the next cure of its list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.vocabulary.plan import RunShape
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.recovery import Cure, Recovery
from engine.vocabulary.worker import WorkerId, WorkerOffer

SMALLEST_UBATCH = 32
LEAST_MARGIN_BYTES = 64 << 20
LARGEST_MARGIN_PART = 4
"""At most a quarter of the device's safe memory: what failed may have been its whole share."""

LOAD_MODE = "--load-mode"
_UNQUANTISED = ("f16", "f32", "bf16")


def cures_for(fault: Fault, *, crashed: bool) -> tuple[Cure, ...]:
    """What is known to help, best first. ``crashed``: a program of llama.cpp ended itself."""
    if fault.cause is FaultCause.HANG:  # of a worker that is known to hang, reading the model is not the reason
        return () if fault.worker_ids else (Cure.DIRECT_IO,)
    if fault.cause is FaultCause.WORKER_OUT_OF_MEMORY:
        return (Cure.MORE_MARGIN, Cure.SMALLER_UBATCH)
    if fault.cause is FaultCause.COORDINATOR_OUT_OF_MEMORY:
        return (Cure.MORE_MARGIN, Cure.SMALLER_UBATCH) if fault.worker_ids else (Cure.SMALLER_UBATCH,)
    if crashed and fault.cause in (FaultCause.WORKER_ENDED, FaultCause.COORDINATOR_ENDED):
        return (Cure.NO_FLASH_ATTENTION, Cure.SMALLER_UBATCH)
    return ()


def next_cure(fault: Fault, recovery: Recovery, shape: RunShape, options: frozenset[str], *, crashed: bool) -> Cure | None:
    """The first that was not tried yet and that can be done. ``options``: of this llama-server."""
    margins = {worker for worker, _ in recovery.kept_free}

    def is_new(cure: Cure) -> bool:
        if cure is Cure.MORE_MARGIN:
            return bool(fault.worker_ids) and not margins.issuperset(fault.worker_ids)
        return cure not in recovery.cures and _can_be_done(cure, shape, options)

    return next((cure for cure in cures_for(fault, crashed=crashed) if is_new(cure)), None)


def _can_be_done(cure: Cure, shape: RunShape, options: frozenset[str]) -> bool:
    if cure is Cure.DIRECT_IO:
        return LOAD_MODE in options
    if cure is Cure.NO_FLASH_ATTENTION:  # llama.cpp refuses a quantised V cache without it
        return shape.flash_attention is not False and shape.cache_type_v in _UNQUANTISED
    return shape.ubatch_tokens > SMALLEST_UBATCH


def with_cure(recovery: Recovery, cure: Cure, fault: Fault, offers: Iterable[WorkerOffer]) -> Recovery:
    """The recovery with one more cure."""
    cures = recovery.cures if cure in recovery.cures else (*recovery.cures, cure)
    recovery = replace(recovery, cures=cures)
    if cure is not Cure.MORE_MARGIN:
        return recovery
    kept = dict(recovery.kept_free)
    for offer in offers:
        if offer.id in fault.worker_ids and offer.id not in kept:
            kept[offer.id] = margin_bytes(fault.needs_bytes, offer.safe_bytes)
    return replace(recovery, kept_free=tuple(sorted(kept.items())))


def margin_bytes(needs_bytes: int | None, safe_bytes: int) -> int:
    """How much more is left alone on a device that could not give ``needs_bytes`` (``None`` = not known)."""
    most = safe_bytes // LARGEST_MARGIN_PART
    return most if needs_bytes is None else max(min(LEAST_MARGIN_BYTES, most), min(needs_bytes, most))


def cured_shape(shape: RunShape, cures: tuple[Cure, ...]) -> RunShape:
    """The run's shape under the cures."""
    if Cure.NO_FLASH_ATTENTION in cures:
        shape = replace(shape, flash_attention=False)
    if Cure.SMALLER_UBATCH in cures:
        shape = replace(shape, ubatch_tokens=max(SMALLEST_UBATCH, shape.ubatch_tokens // 2))
    return shape


def with_margins(offers: tuple[WorkerOffer, ...], kept_free: tuple[tuple[WorkerId, int], ...]) -> tuple[WorkerOffer, ...]:
    """Offers of which that much more is left alone."""
    if not kept_free:
        return offers
    kept = dict(kept_free)
    return tuple(replace(offer, safe_bytes=max(0, offer.safe_bytes - kept.get(offer.id, 0))) for offer in offers)
