"""Medians without the warm-up."""

from tests.fakes.states.run_records import a_record, a_sample


def test_the_warm_up_is_not_counted():
    record = a_record(samples=(a_sample(1.0, 10.0, warm_up=True), a_sample(8.0, 80.0), a_sample(10.0, 100.0)))
    assert (record.decode_measured, record.prefill_measured) == (9.0, 90.0)
    assert len(record.counted) == 2


def test_nothing_measured_is_none_and_not_zero():
    record = a_record()
    assert (record.decode_measured, record.prefill_measured) == (None, None)


def test_seats_are_a_split():
    assert a_record().seats == (("a/cpu-0", 4), ("a/cpu-1", 4))
