"""The table of actions: keys, shortcuts and reasons, without Qt."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from gui.what_to_show.actions.action_table import Facts, Menu, tab_key, window_actions
from gui.what_to_show.settings.preferences import Preferences, Scheme
from tests.fakes.states import cluster_states as states

TABLE = window_actions(("Throughput", "Logs"))
BY_KEY = {action.key: action for action in TABLE}


def facts(**more: object) -> Facts:
    return Facts(state=states.plan_shown(), preferences=Preferences(), **more)


def test_no_two_actions_have_the_same_key_shortcut_or_name() -> None:
    for names in (
        [action.key for action in TABLE],
        [keys for action in TABLE for keys in action.shortcuts],
        [action.full_words for action in TABLE],
    ):
        assert [name for name, n in Counter(names).items() if n > 1] == []


def test_every_menu_has_something_in_it() -> None:
    assert {action.menu for action in TABLE} == set(Menu)


def test_sections_and_submenus_of_a_menu_stand_together() -> None:
    for menu in Menu:
        entries = [action for action in TABLE if action.menu is menu]
        assert [action.section for action in entries] == sorted(action.section for action in entries)
        runs = [entries[0].submenu, *(b.submenu for a, b in pairwise(entries) if a.submenu != b.submenu)]
        assert [name for name, n in Counter(runs).items() if n > 1 and name] == []


@pytest.mark.parametrize("make", list(states.every_state().values()), ids=list(states.every_state()))
def test_a_reason_is_a_sentence(make) -> None:
    state = make()
    for action in TABLE:
        why = action.why_not(state)
        assert why == "" or (why[0].isupper() and why.endswith(".")), (action.key, why)


def test_one_tab_and_one_theme_are_chosen() -> None:
    seen = facts(tab="Logs")
    chosen = [action.key for action in TABLE if action.checked is not None and action.checked(seen)]
    assert chosen == [tab_key("Logs"), f"scheme.{Scheme.SYSTEM.name}", "menu-bar"]


def test_on_and_off_follow_the_choices() -> None:
    base = states.plan_shown()
    split = replace(base, choices=replace(base.choices, cpu_workers=2))
    checked = BY_KEY["split-cpu"].checked
    assert checked is not None
    assert not checked(facts())
    assert checked(replace(facts(), state=split))


def test_the_tenth_tab_has_no_shortcut() -> None:
    table = window_actions(tuple(f"Tab {n}" for n in range(1, 12)))
    keys = {action.key: action.shortcuts for action in table}
    assert keys["tab.Tab 9"] == ("Ctrl+9",)
    assert keys["tab.Tab 10"] == ()
