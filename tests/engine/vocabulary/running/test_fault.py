"""A fault: causes that can be told apart, and what is not known left open."""

from engine.vocabulary.running.fault import Fault, FaultCause


def test_every_cause_has_words_of_its_own():
    assert len({cause.value for cause in FaultCause}) == len(FaultCause)


def test_what_is_not_known_is_left_open():
    fault = Fault(cause=FaultCause.UNKNOWN)
    assert (fault.machine_id, fault.worker_ids, fault.needs_bytes) == (None, (), None)
