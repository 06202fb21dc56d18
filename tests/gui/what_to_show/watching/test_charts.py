"""Words at a time, ticks, spans."""

import time

import pytest

from engine.session.watched import Mean, Older, Reading
from gui.what_to_show.watching.charts import (
    ChartContent,
    MarkContent,
    Unit,
    Window,
    axis_text,
    bytes_rate_text,
    line_of,
    nearest_place,
    shown_readings,
    span_of,
    spoken,
    thinned,
    tick_text,
    value_text,
    words_at,
)
from gui.what_to_show.worker_marks import NO_WORKER


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def chart(values=(18.4, None, 17.0), unit=Unit.RATE):
    times = tuple(float(at) for at in range(len(values)))
    marks = (MarkContent(at_seconds=1.0, words="00:00:01 launched", role="muted"),)
    return ChartContent(
        title="Decode",
        unit=unit,
        times=times,
        lines=(line_of("decode", NO_WORKER, times, values),),
        span=(-60.0, 2.0),
        top=20.0,
        marks=marks,
        predicted_words="predicted 18.4",
    )


def test_pointing_tells_the_time_the_values_and_what_happened_then():
    assert words_at(chart(), 0.2) == "00:00:00 · predicted 18.4\ndecode: 18.4 tok/s"
    assert words_at(chart(), 1.0) == "00:00:01 launched\n00:00:01 · predicted 18.4\ndecode: nothing"
    assert words_at(chart(), -40.0) == ""


def test_those_who_do_not_see_it_hear_the_newest_values():
    assert spoken(chart(values=(1.0, 2.0, None))) == "decode 2.0 tok/s, predicted 18.4"


@pytest.mark.parametrize(
    ("unit", "value", "words"),
    [
        (Unit.RATE, 18.4, "18.4 tok/s"),
        (Unit.BUSY, 0.62, "62%"),
        (Unit.BYTES, 4.05e6, "4.0 MB/s"),
        (Unit.BUSY, None, "nothing"),
    ],
)
def test_values_have_units(unit, value, words):
    assert value_text(unit, value) == words


def test_bytes_per_second():
    assert [bytes_rate_text(n) for n in (0, 8_200, 4.2e6, 412e6, 1.2e9)] == [
        "0 kB/s",
        "8 kB/s",
        "4.2 MB/s",
        "412 MB/s",
        "1.2 GB/s",
    ]
    assert axis_text(Unit.RATE, 500.0) == "500"


def test_ticks_have_seconds_only_where_they_differ_in_them():
    assert (tick_text(125.0, 5), tick_text(120.0, 60)) == ("00:02:05", "00:02")


def test_a_young_run_is_not_stretched_over_the_whole_window():
    assert span_of(Window.TEN_MINUTES, 95.0, 100.0) == (40.0, 100.0)
    assert span_of(Window.MINUTE, 0.0, 1000.0) == (940.0, 1000.0)
    assert span_of(Window.WHOLE, 0.0, 1000.0) == (0.0, 1000.0)


def test_means_and_readings_in_one_row_with_a_gap_where_some_lack():
    means = tuple(Mean(number=number, sums=(8.0,), counts=(8,)) for number in (0, 1, 4))
    older = Older(step_seconds=8.0, means=means)
    recent = [Reading(at_seconds=at, values=(2.0,)) for at in (44.0, 45.0, 80.0)]
    shown = shown_readings(older, recent, 0.0, 0.0)
    assert [reading.values[0] for reading in shown] == [1.0, 1.0, None, 1.0, 2.0, 2.0, None, 2.0]
    assert [reading.values[0] for reading in shown_readings(older, recent, 50.0, 0.0)] == [2.0]


def test_the_nearest_of_times():
    assert [nearest_place((1.0, 2.0, 4.0), at) for at in (0.0, 1.6, 3.5, 9.0)] == [0, 1, 2, 2]
    assert nearest_place((), 1.0) is None


def test_a_small_chart_has_a_mean_per_step_and_gaps_stay():
    readings = [Reading(at_seconds=float(at), values=(float(at), None if at < 4 else 1.0)) for at in range(8)]
    assert [reading.values for reading in thinned(readings, 4.0)] == [(1.5, None), (5.5, 1.0)]
    assert thinned(readings, 1.0) == tuple(readings)
