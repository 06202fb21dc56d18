"""What is asked at quitting."""

from __future__ import annotations

from dataclasses import replace

from gui.what_to_show.quit_content import quit_question_of
from tests.fakes import cluster_states as states
from tests.fakes import remote_states


def test_it_names_what_it_stops() -> None:
    question = quit_question_of(states.ready())
    assert question.stop == "Stop 3 workers and quit"
    assert question.keep == ""
    assert "Machines" not in question.words


def test_workers_that_were_started_to_stay_can_stay() -> None:
    base = states.ready()
    first, *others = base.processes
    state = replace(base, processes=(replace(first, keeps_running=True, machine_name="lab-02"), *others))
    question = quit_question_of(state)
    assert question.stop == "Stop 3 workers and quit"
    assert question.keep == "Keep 1 worker running and quit"
    assert question.words.startswith("1 worker on lab-02 can go on running")


def test_with_machines_it_says_how_workers_could_stay() -> None:
    running = replace(states.ready(), remotes=(remote_states.ready(),))
    assert "menu Machines" in quit_question_of(running).words
    on = replace(running, choices=replace(running.choices, keep_running=True))
    assert "menu Machines" not in quit_question_of(on).words


def test_processes_without_workers_are_something_too() -> None:
    base = states.ready()
    question = quit_question_of(replace(base, processes=base.processes[-1:]))
    assert question.stop == "Stop everything and quit"
