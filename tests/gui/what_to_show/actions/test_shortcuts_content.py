"""The shortcut sheet."""

from __future__ import annotations

from gui.what_to_show.actions.action_table import window_actions
from gui.what_to_show.actions.shortcuts_content import either, shortcuts_of


def test_every_shortcut_is_on_the_sheet() -> None:
    table = window_actions(("Throughput", "Logs"))
    groups = shortcuts_of(table)
    listed = {(keys, words) for group in groups for keys, words in group.lines}
    assert {(action.shortcuts, action.full_words) for action in table if action.shortcuts} <= listed
    assert [group.title for group in groups] == ["File", "Edit", "Machines", "Run", "View", "Help", "In the window"]


def test_either_key_does() -> None:
    assert either(("F1", "Ctrl+?")) == "F1 or Ctrl+?"
