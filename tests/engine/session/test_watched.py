"""Readings over time: bounded, coarser the older, gaps stay gaps."""

from engine.session.watched import FIRST_STEP_SECONDS, MOST_MEANS, MOST_RECENT, Column, Older, Reading, Series


def reading(at, *values):
    return Reading(at_seconds=at, values=values)


def test_a_step_is_the_mean_of_what_was_read_in_it():
    older = Older()
    for at, value in ((0.0, 10.0), (1.0, None), (2.0, 30.0)):
        older = older.taking(reading(at, value, None))
    assert older.readings == (reading(FIRST_STEP_SECONDS / 2, 20.0, None),)


def test_steps_of_a_night_are_bounded_and_their_means_are_kept():
    older = Older()
    for second in range(60_000):
        older = older.taking(reading(float(second), 1.0 if second < 30_000 else 3.0))
    assert len(older.means) <= MOST_MEANS
    assert older.step_seconds == 128.0
    assert older.readings[0].values == (1.0,)
    assert older.readings[-1].values == (3.0,)
    assert sum(mean.counts[0] for mean in older.means) == 60_000


def test_a_gap_of_minutes_is_still_a_gap_when_steps_double():
    older = Older(step_seconds=1.0)
    for second in range(2 * MOST_MEANS + 4):
        older = older.taking(reading(float(second), None if 100 <= second < 200 else 5.0))
    values = {read.at_seconds: read.values[0] for read in older.readings}
    assert older.step_seconds == 4.0
    assert values[150.0] is None
    assert values[98.0] == 5.0


def test_the_last_ten_minutes_are_kept_as_they_were_read():
    series = Series(columns=(Column(kind="busy", id="a/cpu"),))
    for second in range(MOST_RECENT + 10):
        series = series.taking(reading(float(second), second / 1000))
    assert len(series.recent) == MOST_RECENT
    assert series.recent[0].at_seconds == 10.0
    assert sum(mean.counts[0] for mean in series.older.means) == 10
