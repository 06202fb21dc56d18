"""Steps back and forward over what the plan is made from."""

from dataclasses import replace

from engine.session.choosing.choice_history import MOST_STEPS, ChoiceHistory, best_of
from engine.session.state import Choices
from engine.vocabulary.plan import GivenSplit, Policy, RunShape
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.worker import Layout, WorkerId

START = Choices(model_path="/m.gguf")
CPU = WorkerId("m/cpu")
SPLIT = GivenSplit(name="Your split", seats=((CPU, 3), (WorkerId("m/gpu"), 5)))
MOVED = replace(START, given=SPLIT)


def test_every_choice_of_the_plan_is_a_step_and_comes_back_in_reverse():
    steps = [
        replace(START, policy=Policy.EVEN),
        replace(START, policy=Policy.EVEN, shape=RunShape(context_tokens=8192)),
        replace(START, policy=Policy.EVEN, shape=RunShape(context_tokens=8192, cache_type_k="q8_0")),
        replace(MOVED, left_out=frozenset({CPU})),
        replace(MOVED, layout=Layout.TRADITIONAL, prompt_share=0.5, cpu_workers=2),
    ]
    history, now = ChoiceHistory(), START
    for after in steps:
        history, now = history.changed(now, after), after
    back = []
    for _ in steps:
        history, now = history.undone(now)
        back.append(now)
    assert back == [*reversed(steps[:-1]), START]
    assert history.undone(now) == (history, START), "there is nothing before the first"
    for after in steps:
        history, now = history.redone(now)
        assert now == after
    assert history.redone(now)[1] == now


def test_a_new_choice_ends_what_could_be_redone():
    history, _ = ChoiceHistory().changed(START, MOVED).undone(MOVED)
    assert history.future
    history = history.changed(START, replace(START, policy=Policy.EVEN))
    assert history.future == ()


def test_what_changes_no_plan_is_no_step_and_is_not_undone():
    target = SshTarget(host="lab", user="ada")
    history = ChoiceHistory().changed(START, replace(START, targets=(target,), keep_running=True))
    assert history == ChoiceHistory()
    history = history.changed(START, MOVED)
    _, now = history.undone(replace(MOVED, targets=(target,)))
    assert now == replace(START, targets=(target,))


def test_a_gesture_is_one_step():
    history, now = ChoiceHistory().gesture_begun(START), START
    for n in range(1, 6):
        after = replace(START, given=replace(SPLIT, seats=((CPU, n), (WorkerId("m/gpu"), 8 - n))))
        history, now = history.changed(now, after).gesture_begun(now), after
    history = history.gesture_ended(now)
    assert len(history.past) == 1
    assert history.undone(now)[1] == START


def test_a_gesture_that_comes_back_is_no_step_and_keeps_what_can_be_redone():
    history, _ = ChoiceHistory().changed(START, MOVED).undone(MOVED)
    held = history.gesture_begun(START).changed(START, MOVED)
    assert held.gesture_ended(START) == history
    assert held.gesture_ended(MOVED).future == ()


def test_a_cancelled_gesture_was_never_there():
    before = ChoiceHistory().changed(START, MOVED)
    held = before.gesture_begun(MOVED).changed(MOVED, START)
    assert held.gesture_cancelled(START) == (before, MOVED)
    assert before.gesture_cancelled(START) == (before, START), "none goes on"


def test_undo_in_the_middle_of_a_gesture_takes_it_back():
    held = ChoiceHistory().gesture_begun(START).changed(START, MOVED)
    history, now = held.undone(MOVED)
    assert (now, history.in_gesture) == (START, False)
    assert history.redone(now)[1] == MOVED


def test_it_does_not_grow_for_ever():
    history = ChoiceHistory()
    for n in range(MOST_STEPS + 5):
        history = history.changed(replace(START, prompt_share=n / 1000), replace(START, prompt_share=(n + 1) / 1000))
    assert len(history.past) == MOST_STEPS


def test_the_best_keeps_sizes_and_switches():
    chosen = replace(MOVED, policy=Policy.EVEN, layout=Layout.PER_MACHINE, left_out=frozenset({CPU}), prompt_share=0.3)
    assert best_of(chosen) == replace(START, left_out=frozenset({CPU}), prompt_share=0.3)
