"""What undo, redo and back to best say."""

from dataclasses import replace

from engine.session.choosing.choice_history import ChoiceHistory
from gui.what_to_show.plan_edits.edit_links_content import edit_links_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states import edited_states as edited
from tests.fakes.states.cluster_pieces import CPU_ID

NOTHING = ChoiceHistory()


def test_at_the_best_plan_there_is_nowhere_to_go() -> None:
    links = edit_links_of(states.plan_shown(), NOTHING)
    assert not any(link.enabled for link in (links.best, links.undo, links.redo))
    assert links.undo.words == "Nothing to undo (Ctrl+Z)"


def test_a_moved_boundary_can_be_undone_or_given_up_for_the_best() -> None:
    moved = edited.split_by_hand()
    before = replace(moved.choices, given=None)
    links = edit_links_of(moved, NOTHING.changed(before, moved.choices))
    assert links.best.enabled
    assert (links.undo.enabled, links.undo.words) == (True, "Undo: layers per worker (Ctrl+Z)")


def test_the_words_name_all_that_would_change() -> None:
    state = states.plan_shown()
    shape = replace(state.choices.shape, context_tokens=4096, slots=2, cache_type_k="q8_0", cache_type_v="q8_0")
    after = replace(state.choices, shape=shape, left_out=frozenset({CPU_ID}))
    history, now = NOTHING.changed(state.choices, after).undone(after)
    links = edit_links_of(replace(state, choices=now), history)
    assert links.redo.words == "Redo: context, slots, KV cache type, workers switched on or off (Ctrl+Shift+Z)"


def test_while_it_runs_nothing_is_undone() -> None:
    state = states.ready()
    links = edit_links_of(state, NOTHING.changed(edited.split_by_hand().choices, state.choices))
    assert not links.undo.enabled
    assert links.undo.words == "Not while something runs: stop it first"
    assert edit_links_of(states.no_model(), NOTHING).best.words == "There is no plan to edit"
