"""Try it: what the speed of this very answer is, and where it comes from."""

from dataclasses import replace

import pytest

from engine.session.state import AnswerShown
from gui.what_to_show.tabs.tabs_content import try_it_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states.cluster_pieces import timings


def shown(**answer):
    return try_it_of(replace(states.ready(), answer=AnswerShown(prompt="Why?", **answer)))


@pytest.mark.parametrize(("name", "can_ask"), [("plan_shown", False), ("loading", False), ("ready", True)])
def test_asking_needs_a_running_model(name, can_ask):
    assert try_it_of(states.every_state()[name]()).can_ask is can_ask


def test_one_question_at_a_time_and_it_can_be_stopped():
    content = shown()
    assert (content.can_ask, content.can_stop, content.footer) == (False, True, "reading the prompt…")


def test_a_question_that_waits_for_the_standard_request_says_so():
    state = replace(states.ready(), answer=AnswerShown(prompt="Why?"))
    waiting = replace(state, run=replace(state.run, benchmark=None))
    assert try_it_of(waiting).footer == "first the standard request is answered, by which the plan is measured…"
    plan = replace(state.run.plan, shape=replace(state.run.plan.shape, slots=2))
    assert try_it_of(replace(waiting, run=replace(waiting.run, plan=plan))).footer == "reading the prompt…"


def test_while_it_comes_the_pace_is_counted_here_and_said_to_be_about():
    content = shown(text="Bec", first_piece_seconds=0.41, n_pieces=31, pieces_seconds=1.5)
    assert content.footer == "answering… · first token after 0.41 s · about 20.0 tok/s so far"
    assert "Counted here" in content.footer_words
    assert shown(text="B", first_piece_seconds=0.41, n_pieces=3, pieces_seconds=0.1).footer.endswith("after 0.41 s")


def test_when_it_is_complete_llama_server_says_how_fast():
    content = shown(text="Because", finished=True, timings=timings(18.3, 530.0), first_piece_seconds=0.95, n_pieces=9)
    assert content.footer == "128 tokens at 18.3 tok/s · first token after 0.95 s · prompt of 480 tokens in 0.91 s"
    assert "timed by llama-server" in content.footer_words
    assert (content.can_ask, content.can_stop) == (True, False)


def test_a_stopped_answer_keeps_what_was_seen_and_is_no_problem():
    content = shown(text="Bec", finished=True, stopped=True, first_piece_seconds=0.4, n_pieces=11, pieces_seconds=1.0)
    assert content.footer == "stopped · first token after 0.40 s · about 10.0 tok/s until then"
    assert content.problem == ""
    assert content.can_ask
    assert shown(finished=True, stopped=True).footer == "stopped"


def test_a_problem_stands_for_itself():
    content = shown(text="B", finished=True, problem="It is gone.")
    assert (content.problem, content.footer) == ("It is gone.", "")


def test_a_base_model_is_given_a_text_to_go_on_with():
    state = states.ready()
    base = replace(state.run.plan, model=replace(state.run.plan.model, has_chat_template=False))
    content = try_it_of(replace(state, run=replace(state.run, plan=base)))
    assert not content.as_chat
    assert "no chat template" in content.example
    assert try_it_of(state).as_chat, "unless it is known"
    assert try_it_of(state).example.startswith("Ask")


def test_other_programs_are_told_where_to_ask():
    content = shown()
    assert content.api_url == "http://127.0.0.1:8080"
    assert content.curl.startswith("curl http://127.0.0.1:8080/v1/chat/completions")
    before = try_it_of(states.plan_shown())
    assert (before.api_url, before.curl) == ("", "")
    assert before.served.endswith("once the cluster runs.")
