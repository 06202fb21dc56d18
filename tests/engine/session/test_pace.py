"""How long the session's thread waits for more events."""

from engine.session.pace import BATCH_SECONDS, Pace


def test_the_first_event_after_a_silence_waits_for_nothing_and_those_after_it_come_together():
    pace = Pace()
    assert pace.pause_seconds(100.0) == 0.0
    assert abs(pace.pause_seconds(100.005) - (BATCH_SECONDS - 0.005)) < 1e-9
    assert abs(pace.pause_seconds(100.0 + BATCH_SECONDS) - BATCH_SECONDS) < 1e-9, "counted from the reduction before"
    assert pace.pause_seconds(101.0) == 0.0


def test_a_flood_is_reduced_fifty_times_a_second():
    pace, now, reductions = Pace(), 0.0, 0
    while now < 1.0:
        now += pace.pause_seconds(now) + 0.0001
        reductions += 1
    assert 49 <= reductions <= 51
