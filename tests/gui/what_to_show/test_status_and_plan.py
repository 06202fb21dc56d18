"""The primary button, the status line, the comparison, the figures and the tabs, without Qt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.session.state import AnswerShown, ClusterState, RunPhase
from engine.vocabulary.throughput import ThroughputSample
from gui.what_to_show.logs_content import log_sources_of
from gui.what_to_show.model_chooser_content import model_chooser_of
from gui.what_to_show.plan_table_content import ROWS, plan_as_text, plan_table_of
from gui.what_to_show.status_content import is_running, n_workers_running, primary_button_of, status_of
from gui.what_to_show.tabs_content import commands_as_script, commands_of, try_it_of
from gui.what_to_show.throughput_content import throughput_of
from tests.fakes import cluster_states as states


@pytest.mark.parametrize(
    ("name", "text", "action", "enabled"),
    [
        ("looking", "Launch", "none", False),
        ("runtime_missing", "Launch", "none", False),
        ("no_model", "Launch", "none", False),
        ("plan_shown", "Launch", "launch", True),
        ("plan_refused", "Launch", "none", False),
        ("starting", "Starting…", "stop", True),
        ("loading", "Loading 43%", "stop", True),
        ("ready", "Stop", "stop", True),
        ("worker_failed", "Launch", "launch", True),
    ],
)
def test_the_button_carries_the_verb_of_the_state(name: str, text: str, action: str, enabled: bool) -> None:
    button = primary_button_of(states.every_state()[name]())
    assert (button.text, button.action, button.enabled) == (text, action, enabled)


def test_a_dead_button_says_why() -> None:
    assert "13.1 GB are missing" in primary_button_of(states.plan_refused()).words
    assert primary_button_of(states.no_model()).words == "No model is chosen."


def test_between_the_click_and_the_first_process_it_can_be_stopped() -> None:
    state = replace(states.plan_shown(), run_wanted=True)
    assert primary_button_of(state).action == "stop"


def test_closing_can_not_be_launched_over() -> None:
    button = primary_button_of(replace(states.ready(), closing=True))
    assert (button.action, button.enabled) == ("none", False)


def test_serving_says_what_and_where_with_a_command_that_can_be_pasted() -> None:
    status = status_of(states.ready())
    assert status.left == "Serving Qwen3 32B at http://127.0.0.1:8080 (OpenAI-compatible)"
    assert status.curl.startswith("curl http://127.0.0.1:8080/v1/chat/completions ")
    assert status.right == "Nothing listens off this machine"


def test_a_server_on_the_network_is_said_as_a_warning() -> None:
    state = states.ready()
    assert state.run is not None
    opened = replace(state.run.servers[0], endpoint="192.168.1.7:50052")
    state = replace(state, run=replace(state.run, servers=(opened, *state.run.servers[1:])))
    status = status_of(state)
    assert status.right_role == "warning"
    assert "192.168.1.7" in status.right


def test_loading_shows_bytes() -> None:
    (progress,) = status_of(states.loading()).progress
    assert progress.detail == "8.7 of 20.3 GB"
    assert progress.fraction == pytest.approx(8.1 / 18.9, abs=1e-3)
    assert not progress.can_cancel


def test_an_activity_can_be_cancelled() -> None:
    (progress,) = status_of(states.installing()).progress
    assert (progress.id, progress.can_cancel, progress.fraction) == ("runtime", True, 0.37)


def test_the_newest_problem_comes_first_and_keeps_its_index() -> None:
    state = states.worker_failed()
    state = replace(state, problems=(*state.problems, replace(state.problems[0], happened="Later.")))
    assert [(banner.index, banner.happened[:5]) for banner in status_of(state).banners] == [(1, "Later"), (0, "rpc-s")]


def test_what_a_closed_window_would_stop() -> None:
    assert n_workers_running(states.ready()) == 3
    assert n_workers_running(states.worker_failed()) == 2
    assert is_running(states.ready())
    assert not is_running(states.plan_shown())


def test_the_comparison_puts_measured_beneath_predicted() -> None:
    table = plan_table_of(states.ready())
    fastest = table.columns[0]
    cells = dict(zip(ROWS, fastest.cells, strict=True))
    assert fastest.chosen
    assert (cells["Decode, predicted"], cells["Decode, measured"]) == ("18.4 tok/s", "18.1 tok/s")
    assert (cells["Prefill, predicted"], cells["Prefill, measured"]) == ("540 tok/s", "521 tok/s")
    assert ROWS.index("Decode, measured") == ROWS.index("Decode, predicted") + 1


def test_a_refused_column_is_too_small_and_says_why() -> None:
    column = plan_table_of(states.plan_shown()).columns[3]
    assert (column.cells[0], column.cell_roles[0], column.title) == ("too small", "bad", "Traditional")
    assert "13.1 GB are missing" in column.words


def test_a_refusal_gives_the_reasons_per_worker() -> None:
    table = plan_table_of(states.plan_refused())
    assert table.verdict_role == "bad"
    assert any("cuda:0 would need" in reason for reason in table.reasons)
    assert any("vulkan:0 would need" in reason for reason in table.reasons)


def test_the_table_as_text_has_a_line_per_row() -> None:
    lines = plan_as_text(plan_table_of(states.ready())).splitlines()
    assert len(lines) == 1 + len(ROWS)
    assert lines[0].split("\t")[1] == "Fastest (per device)"


def test_a_gap_stays_a_gap() -> None:
    content = throughput_of(states.ready())
    assert content.decode.rates.count(None) == 30
    assert content.decode.seconds[-1] == 0.0
    assert content.decode.predicted == 18.4


def test_figures_stand_beside_their_prediction() -> None:
    decode, prefill, first_token = throughput_of(states.ready()).figures
    assert (decode.value, decode.comparison) == ("18.1", "predicted 18.4 (−1.6%)")
    assert (prefill.value, prefill.comparison) == ("521", "predicted 540 (−3.5%)")
    assert (first_token.value, first_token.comparison) == ("0.92 s", "prompt of 480 tokens")


def test_before_a_run_there_is_a_prediction_and_no_measurement() -> None:
    content = throughput_of(states.plan_shown())
    assert content.figures[0].value == "–"
    assert content.figures[0].comparison == "predicted 18.4"
    assert content.empty


def test_a_model_from_elsewhere_is_listed_too() -> None:
    state = replace(states.no_model(), choices=replace(states.no_model().choices, model_path="/elsewhere/x.gguf"))
    content = model_chooser_of(state)
    assert (content.groups[0].title, content.groups[0].models[0].label) == ("Recent", "x.gguf")
    assert content.chosen_path == "/elsewhere/x.gguf"


def test_contexts_end_at_what_the_model_was_trained_for() -> None:
    assert max(model_chooser_of(states.plan_shown()).contexts) == 32768


def test_choices_rest_while_something_runs() -> None:
    assert model_chooser_of(states.plan_shown()).changeable
    assert not model_chooser_of(states.ready()).changeable


def test_logs_list_llama_server_first() -> None:
    sources = log_sources_of(states.worker_failed())
    assert sources[0].process_id == "llama-server"
    assert [source.failed for source in sources] == [False, False, True, False]


@pytest.mark.parametrize(("name", "can_ask"), [("plan_shown", False), ("loading", False), ("ready", True)])
def test_asking_needs_a_running_model(name: str, can_ask: bool) -> None:
    assert try_it_of(states.every_state()[name]()).can_ask is can_ask


def test_one_question_at_a_time() -> None:
    state = replace(states.ready(), answer=AnswerShown(prompt="Why?", text="Bec"))
    content = try_it_of(state)
    assert (content.can_ask, content.footer) == (False, "answering…")


def test_commands_are_also_one_script() -> None:
    content = commands_of(states.plan_shown())
    assert len(content.commands) == 4
    assert commands_as_script(content).count("# rpc-server for") == 3
    assert commands_of(ClusterState()).empty


def test_every_state_can_be_shown() -> None:
    for name, make in states.every_state().items():
        status = status_of(make())
        assert status.left, name
        assert primary_button_of(make()).text, name


def test_preparing_and_stopping_are_said() -> None:
    state = replace(states.ready(), run_phase=RunPhase.STOPPING)
    assert status_of(state).left == "Stopping…"


def test_a_lonely_point_and_the_newest_one_are_dots() -> None:
    rates = (None, 5.0, None, 6.0, 7.0, 8.0, None)
    samples = tuple(
        ThroughputSample(at_seconds=float(at), decode_tokens_per_second=rate, prefill_tokens_per_second=None)
        for at, rate in enumerate(rates)
    )
    decode = throughput_of(replace(states.ready(), throughput=samples)).decode
    assert decode.dots == ((-5.0, 5.0), (-1.0, 8.0))
