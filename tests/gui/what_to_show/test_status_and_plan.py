"""The primary button, the status line, the comparison, the figures and the tabs, without Qt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.session import events
from engine.session.reducing.reduce_run import launch_asked
from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.plan import PlanRefused, Policy
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.worker import Layout
from gui.what_to_show.model_chooser_content import model_chooser_of
from gui.what_to_show.plan_table_content import ROWS, plan_as_text, plan_table_of
from gui.what_to_show.status_content import is_running, n_workers_running, primary_button_of, status_of
from gui.what_to_show.tabs.logs_content import log_sources_of
from gui.what_to_show.tabs.tabs_content import commands_as_script, commands_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states import edited_states as edited
from tests.fakes.states.cluster_pieces import VULKAN_ID


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
        ("worker_failed", "Stopping…", "none", False),
    ],
)
def test_the_button_carries_the_verb_of_the_state(name: str, text: str, action: str, enabled: bool) -> None:
    button = primary_button_of(states.every_state()[name]())
    assert (button.text, button.action, button.enabled) == (text, action, enabled)


def test_what_is_left_of_a_failed_run_is_waited_for() -> None:
    left = states.worker_failed()
    assert launch_asked(left, events.LaunchAsked()) is left, "a launch would do nothing, so none is offered"
    gone = tuple(replace(process, phase=ProcessPhase.STOPPED) for process in left.processes)
    assert primary_button_of(replace(left, processes=gone)).action == "launch"


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


def test_the_newest_problem_comes_first() -> None:
    state = states.worker_failed()
    state = replace(state, problems=(*state.problems, replace(state.problems[0], happened="Later.")))
    assert [banner.happened[:5] for banner in status_of(state).banners] == ["Later", "rpc-s"]


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


def test_the_first_token_comes_from_the_prompt_of_the_standard_request() -> None:
    table = plan_table_of(states.ready())
    cells = dict(zip(ROWS, table.columns[0].cells, strict=True))
    assert (cells["First token, predicted"], cells["First token, measured"]) == ("0.95 s", "0.98 s")
    assert "a prompt of 512 tokens" in table.row_words


def test_a_split_by_hand_comes_first_with_its_own_figures() -> None:
    table = plan_table_of(edited.split_by_hand())
    yours = table.columns[0]
    cells = dict(zip(ROWS, yours.cells, strict=True))
    assert (yours.title, yours.subtitle, yours.chosen) == ("Yours", "moved by hand", True)
    assert (cells["Decode, predicted"], cells["Prefill, predicted"]) == ("17.1 tok/s", "501 tok/s")
    assert cells["Largest context"] == "16k"
    assert [column.title for column in table.columns[1:]] == ["Fastest", "Hybrid", "llama.cpp", "Traditional"]
    assert not any(column.chosen for column in table.columns[1:])
    assert (table.policy, table.instead_of_policy) == (None, "Yours")
    assert plan_table_of(states.plan_shown()).policy == "fastest"


def test_a_split_by_hand_that_is_too_much_names_the_worker_and_predicts_nothing() -> None:
    table = plan_table_of(edited.split_too_far())
    assert table.verdict == "Your split does not fit: cuda:0 of ada-desktop is 4.6 GB over"
    assert (table.verdict_role, table.verdict_words, table.reasons) == ("bad", edited.TOO_MUCH, ())
    assert table.columns[0].cells[0] == "does not fit"
    assert set(table.columns[0].cells[2:]) == {"–"}
    assert table.columns[0].words == edited.TOO_MUCH


def test_of_several_that_are_over_the_worst_is_named() -> None:
    state = edited.split_too_far()
    (shortfall,) = state.plan.shortfalls
    other = replace(shortfall, worker_id=VULKAN_ID, needed_bytes=7_000_000_000, safe_bytes=6_900_000_000)
    table = plan_table_of(replace(state, plan=replace(state.plan, shortfalls=(other, shortfall))))
    assert table.verdict.endswith("cuda:0 of ada-desktop is 4.6 GB over and 1 other less")


def test_a_split_that_cannot_be_placed_says_so() -> None:
    state = edited.split_by_hand()
    refused = PlanRefused(policy=Policy.FASTEST, layout=Layout.PER_DEVICE, reasons=("Your split needs x, which is not here.",))
    table = plan_table_of(replace(state, plan=refused))
    assert (table.verdict, table.reasons) == ("Your split cannot be run", refused.reasons)


def test_the_table_as_text_has_a_line_per_row() -> None:
    lines = plan_as_text(plan_table_of(states.ready())).splitlines()
    assert len(lines) == 1 + len(ROWS)
    assert lines[0].split("\t")[1] == "Fastest (per device)"


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


@pytest.mark.parametrize(
    ("options", "changeable", "words"),
    [
        ((), True, "q8_0 takes 53%"),
        (("-ctk", "-ctv", "-fa", "-fa auto"), True, "q8_0 takes 53%"),
        (("-ctk", "-ctv", "-fa"), False, "flash attention"),
        (("-m", "-fa auto"), False, "no option for it"),
    ],
)
def test_the_type_of_the_cache_rests_with_the_reason_where_the_build_cannot(options, changeable, words) -> None:
    content = model_chooser_of(replace(states.plan_shown(), server_options=frozenset(options)))
    assert content.cache_types == ("f16", "q8_0", "q4_0")
    assert content.cache_type_changeable is changeable
    assert words in content.cache_type_words
    assert not model_chooser_of(replace(states.ready(), server_options=frozenset(options))).cache_type_changeable


def test_a_type_from_the_command_line_is_listed_too() -> None:
    state = states.plan_shown()
    shape = replace(state.choices.shape, cache_type_k="bf16", cache_type_v="bf16")
    content = model_chooser_of(replace(state, choices=replace(state.choices, shape=shape)))
    assert (content.cache_type, content.cache_types[-1]) == ("bf16", "bf16")


def test_logs_list_llama_server_first() -> None:
    sources = log_sources_of(states.worker_failed())
    assert sources[0].process_id == "llama-server"
    assert [source.failed for source in sources] == [False, False, True, False]


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
