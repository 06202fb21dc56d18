"""What the palette lists for what is typed."""

from __future__ import annotations

from gui.what_to_show.actions.action_table import Facts, window_actions
from gui.what_to_show.actions.palette_content import nothing_found, palette_of
from gui.what_to_show.settings.preferences import Preferences
from tests.fakes.states import cluster_states as states

TABLE = window_actions(("Throughput", "Logs"))


def keys(typed: str, state=None) -> list[str]:
    facts = Facts(state=state or states.plan_shown(), preferences=Preferences(), tab="Logs")
    return [row.key for row in palette_of(TABLE, facts, typed)]


def test_everything_but_the_palette_is_there_and_quit_is_not_at_hand() -> None:
    all_of_them = keys("")
    assert set(all_of_them) == {action.key for action in TABLE} - {"palette"}
    assert all_of_them[0] == "open-model"
    can = [row for row in palette_of(TABLE, Facts(state=states.ready(), preferences=Preferences())) if not row.why_not]
    assert can[-1].key == "quit"


def test_words_that_begin_with_it_come_first() -> None:
    assert keys("la")[0] == "launch"
    assert keys("text")[:2] == ["text-normal", "text-larger"]


def test_every_typed_word_must_be_there_in_any_order_and_case() -> None:
    assert keys("LOGS search") == ["search-logs"]
    assert keys("tab logs") == ["tab.Logs"]
    assert keys("no such thing") == []
    assert nothing_found(" no such ") == "No action has “no such” in its name"


def test_the_menu_counts_too() -> None:
    assert "about" in keys("help")


def test_what_cannot_be_done_is_last_and_says_why() -> None:
    facts = Facts(state=states.ready(), preferences=Preferences())
    rows = palette_of(TABLE, facts)
    reasons = [bool(row.why_not) for row in rows]
    assert reasons == sorted(reasons)
    launch = next(row for row in rows if row.key == "launch")
    assert launch.why_not == "It is running already."
    assert launch.spoken == "Launch, Run, Ctrl+L, It is running already."


def test_what_is_on_is_marked() -> None:
    facts = Facts(state=states.ready(), preferences=Preferences(), tab="Logs")
    on = [row.key for row in palette_of(TABLE, facts) if row.chosen]
    assert set(on) == {"tab.Logs", "scheme.SYSTEM", "menu-bar"}
