"""Which cure is tried for which crash, once each, and what it changes."""

from dataclasses import replace

import pytest

from engine.session.recovering import cures
from engine.session.recovering.cures import LOAD_MODE, cured_shape, margin_bytes, next_cure, with_cure, with_margins
from engine.vocabulary.plan import RunShape
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.recovery import Cure, Recovery
from tests.fakes.states.cluster_pieces import CUDA_ID, hybrid_machine, offers_of

MIB = 1 << 20
OPTIONS = frozenset({LOAD_MODE})


def tried(fault, *, crashed=False, shape=RunShape(), options=OPTIONS):  # noqa: B008 - frozen
    """Every cure, in the order in which faults of the same kind would bring them."""
    recovery, found = Recovery(), []
    while (cure := next_cure(fault, recovery, shape, options, crashed=crashed)) is not None:
        found.append(cure)
        recovery = with_cure(recovery, cure, fault, offers_of(hybrid_machine()))
    return found


@pytest.mark.parametrize(
    ("cause", "workers", "crashed", "expected"),
    [
        (FaultCause.HANG, (), False, [Cure.DIRECT_IO]),
        (FaultCause.HANG, (CUDA_ID,), False, []),
        (FaultCause.WORKER_OUT_OF_MEMORY, (CUDA_ID,), False, [Cure.MORE_MARGIN, Cure.SMALLER_UBATCH]),
        (FaultCause.WORKER_OUT_OF_MEMORY, (), False, [Cure.SMALLER_UBATCH]),
        (FaultCause.COORDINATOR_OUT_OF_MEMORY, (), False, [Cure.SMALLER_UBATCH]),
        (FaultCause.COORDINATOR_OUT_OF_MEMORY, (CUDA_ID,), False, [Cure.MORE_MARGIN, Cure.SMALLER_UBATCH]),
        (FaultCause.WORKER_ENDED, (CUDA_ID,), True, [Cure.NO_FLASH_ATTENTION, Cure.SMALLER_UBATCH]),
        (FaultCause.COORDINATOR_ENDED, (), True, [Cure.NO_FLASH_ATTENTION, Cure.SMALLER_UBATCH]),
        (FaultCause.WORKER_ENDED, (CUDA_ID,), False, []),
        (FaultCause.HOST_SILENT, (), False, []),
        (FaultCause.PORT_TAKEN, (), False, []),
    ],
)
def test_each_once_best_first(cause, workers, crashed, expected):
    assert tried(Fault(cause=cause, worker_ids=workers), crashed=crashed) == expected


def test_not_what_the_program_or_the_run_does_not_have():
    assert tried(Fault(cause=FaultCause.HANG), options=frozenset()) == []
    crash = Fault(cause=FaultCause.WORKER_ENDED, worker_ids=(CUDA_ID,))
    quantised, without = RunShape(cache_type_v="q8_0"), RunShape(flash_attention=False)
    for shape in (quantised, without):
        assert tried(crash, crashed=True, shape=shape) == [Cure.SMALLER_UBATCH]
    smallest = replace(without, ubatch_tokens=cures.SMALLEST_UBATCH)
    assert tried(crash, crashed=True, shape=smallest) == []


@pytest.mark.parametrize(
    ("needs", "safe", "expected"),
    [(200 * MIB, 8000 * MIB, 200 * MIB), (7000 * MIB, 8000 * MIB, 2000 * MIB), (MIB, 8000 * MIB, 64 * MIB), (None, 800, 200)],
    ids=["as much as failed", "not its whole share", "not next to nothing", "not known"],
)
def test_the_margin(needs, safe, expected):
    assert margin_bytes(needs, safe) == expected


def test_the_margin_is_left_alone_on_that_device_only():
    fault = Fault(cause=FaultCause.WORKER_OUT_OF_MEMORY, worker_ids=(CUDA_ID,), needs_bytes=500 * MIB)
    offers = offers_of(hybrid_machine())
    recovery = with_cure(Recovery(), Cure.MORE_MARGIN, fault, offers)
    assert recovery.kept_free == ((CUDA_ID, 500 * MIB),)
    pairs = zip(offers, with_margins(offers, recovery.kept_free), strict=True)
    less = [before.safe_bytes - after.safe_bytes for before, after in pairs]
    assert less == [0, 500 * MIB, 0]
    assert with_margins(offers, ()) is offers


def test_the_shape():
    shape = RunShape(ubatch_tokens=256)
    assert cured_shape(shape, ()) is shape
    cured = cured_shape(shape, (Cure.NO_FLASH_ATTENTION, Cure.SMALLER_UBATCH, Cure.DIRECT_IO, Cure.MORE_MARGIN))
    assert cured == replace(shape, flash_attention=False, ubatch_tokens=128)
    assert cured_shape(replace(shape, ubatch_tokens=40), (Cure.SMALLER_UBATCH,)).ubatch_tokens == cures.SMALLEST_UBATCH
