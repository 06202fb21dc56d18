"""The throughput tab: curves over the time of day, marks, and the figures beside their prediction."""

from dataclasses import replace

from engine.session.events import ThroughputMeasured
from engine.session.reducing.reduce import reduce
from engine.session.state import RunPhase
from engine.vocabulary.comparison import Approach
from engine.vocabulary.running.throughput import ThroughputSample
from gui.what_to_show.tabs.throughput_content import inputs_of, throughput_of
from gui.what_to_show.watching.charts import Window
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import cluster_states as states
from tests.fakes.states import watched_states as watched


def samples(*rates, begins=0.0, step=1.0):
    return tuple(
        ThroughputSample(at_seconds=begins + at * step, decode_tokens_per_second=rate, prefill_tokens_per_second=None)
        for at, rate in enumerate(rates)
    )


def decode_of(state, window=Window.TEN_MINUTES):
    return throughput_of(state, window).decode


def test_a_gap_stays_a_gap() -> None:
    content = throughput_of(states.ready())
    assert content.decode.lines[0].values.count(None) == 30
    assert content.decode.times[-1] == pieces.NOW - 1
    assert content.decode.predicted == 18.4
    assert 0.0 not in content.decode.lines[0].values


def test_what_was_measured_stands_beside_its_own_prediction_whatever_is_chosen_after_the_run() -> None:
    ran = states.ready()
    hybrid = next(variant.result for variant in ran.variants if variant.approach is Approach.HYBRID)
    after = replace(ran, run_phase=RunPhase.STOPPED, run_wanted=False, processes=(), plan=hybrid)
    assert hybrid.predicted.decode_tokens_per_second == 9.6
    content = throughput_of(after)
    assert [figure.comparison for figure in content.figures] == [f.comparison for f in throughput_of(ran).figures]
    assert content.decode.predicted == 18.4
    assert throughput_of(replace(after, run=None, throughput=())).decode.predicted == 9.6


def test_seconds_without_a_sample_are_not_joined_over() -> None:
    state = replace(states.ready(), throughput=(*samples(5.0, 6.0), *samples(7.0, 8.0, begins=20.0)))
    line = decode_of(state).lines[0]
    assert line.values == (5.0, 6.0, None, 7.0, 8.0)


def test_a_lonely_point_and_the_newest_one_are_dots() -> None:
    decode = decode_of(replace(states.ready(), throughput=samples(None, 5.0, None, 6.0, 7.0, 8.0, None)))
    assert decode.lines[0].dots == ((1.0, 5.0), (5.0, 8.0))


def test_the_window_says_how_far_back_and_the_whole_run_has_everything() -> None:
    state = states.ready()
    for second in range(1500):
        sample = ThroughputSample(at_seconds=pieces.NOW + second, decode_tokens_per_second=4.0, prefill_tokens_per_second=None)
        state = reduce(state, ThroughputMeasured(sample=sample))
    spans = {window: decode_of(state, window).span for window in Window}
    last = pieces.NOW + 1499
    assert spans[Window.MINUTE] == (last - 60, last)
    assert spans[Window.TEN_MINUTES] == (last - 600, last)
    assert spans[Window.WHOLE][0] < pieces.NOW - 200
    assert len(decode_of(state, Window.MINUTE).times) == 61
    whole = decode_of(state, Window.WHOLE)
    assert whole.times[0] < pieces.NOW - 200
    assert whole.times == tuple(sorted(whole.times))


def test_marks_are_dated_and_of_the_window() -> None:
    state = watched.a_worker_ended()
    words = [mark.words for mark in decode_of(state).marks]
    assert words[0].endswith(" launched")
    assert words[-1][8:] == " lab-05: rpc-server for cuda:0 ended, run failed"
    assert decode_of(state).marks[-1].role == "bad"
    assert len(decode_of(state, Window.MINUTE).marks) == 2


def test_workers_and_machines_have_curves_in_their_own_marks() -> None:
    content = throughput_of(watched.serving())
    assert [line.name for line in content.busy.lines][:2] == ["ada-desktop · CPU", "ada-desktop · cuda:0"]
    assert len({(line.mark.colour, line.mark.pattern) for line in content.busy.lines}) == 8
    assert [line.name for line in content.network.lines] == ["lab-02", "lab-05"]
    silent = content.busy.lines[-1].values
    assert None in silent
    assert None not in content.busy.lines[0].values


def test_of_an_open_machine_it_is_said_that_other_programs_count_too() -> None:
    state = watched.serving(lan=True)
    assert throughput_of(state).network.lines[0].name == "lab-02, all that it takes in"


def test_one_machine_sends_nothing_and_says_so() -> None:
    state = watched.serving()
    alone = tuple(column for column in state.watched.loads.columns if column.kind == "busy")
    recent = tuple(replace(reading, values=reading.values[: len(alone)]) for reading in state.watched.loads.recent)
    loads = replace(state.watched.loads, columns=alone, recent=recent)
    content = throughput_of(replace(state, watched=replace(state.watched, loads=loads)))
    assert content.network.empty == "Nothing: all workers are on this machine."


def test_figures_stand_beside_their_prediction() -> None:
    decode, prefill, first_token = throughput_of(states.ready()).figures
    assert (decode.value, decode.comparison) == ("18.1", "predicted 18.4 (−1.6%)")
    assert (prefill.value, prefill.comparison) == ("521", "predicted 540 (−3.5%)")
    assert (first_token.value, first_token.comparison) == ("0.92 s", "prompt of 480 tokens")


def test_before_a_run_there_is_a_prediction_and_no_measurement() -> None:
    content = throughput_of(states.plan_shown())
    assert content.figures[0].value == "–"
    assert content.figures[0].comparison == "predicted 18.4"
    assert throughput_of(states.no_model()).figures == ()
    assert content.empty
    assert [chart.lines[0].values for chart in content.charts[:2]] == [(), ()]


def test_while_it_loads_only_the_machines_have_curves() -> None:
    content = throughput_of(replace(watched.serving(), throughput=()))
    assert content.empty == ""
    assert content.decode.empty.startswith("No request has run yet")
    assert content.busy.empty == ""


def test_an_answer_that_grows_leaves_the_tab_as_it_is() -> None:
    state = watched.serving()
    grown = replace(state, answer=None, now_seconds=5000.0)
    assert all(one is other for one, other in zip(inputs_of(state), inputs_of(grown), strict=True))
