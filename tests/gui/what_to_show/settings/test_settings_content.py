"""The settings: values, defaults, what is changed, what is locked."""

from __future__ import annotations

from dataclasses import fields, replace

from engine.vocabulary.admin_policy import AdminPolicy
from gui.what_to_show.settings.preferences import Preferences, Scheme
from gui.what_to_show.settings.settings_content import SettingRow, changed_text, n_changed, settings_of
from tests.fakes.states import cluster_states as states


def rows(state=None, now: Preferences | None = None) -> dict[str, SettingRow]:
    groups = settings_of(state or states.plan_shown(), now or Preferences(), Preferences())
    return {row.key: row for group in groups for row in group.rows}


def test_every_preference_can_be_set() -> None:
    assert {field.name for field in fields(Preferences)} <= set(rows())


def test_nothing_is_changed_at_first() -> None:
    groups = settings_of(states.no_model(), Preferences(), Preferences())
    assert n_changed(groups) == 0
    assert changed_text(groups) == "Every setting is as it comes."


def test_what_is_changed_is_marked_and_counted() -> None:
    base = states.no_model()
    state = replace(base, choices=replace(base.choices, reserve_fraction=0.1, model_folders=("/srv/models",)))
    now = Preferences(scheme=Scheme.DARK)
    changed = {key for key, row in rows(state, now).items() if row.changed}
    assert changed == {"reserve_fraction", "model_folders", "scheme"}
    assert changed_text(settings_of(state, now, Preferences())) == "3 settings are changed from how they come."
    only_one = settings_of(base, now, Preferences())
    assert changed_text(only_one) == "1 setting is changed from how it comes."


def test_the_reserve_says_its_bounds() -> None:
    row = rows()["reserve_fraction"]
    assert (row.least, row.most) == (5, 80)
    assert "no more than 95% is ever used" in row.words


def test_a_running_cluster_locks_what_it_was_launched_with() -> None:
    locked = {key for key, row in rows(states.ready()).items() if row.locked}
    assert locked == {"reserve_fraction", "policy", "exposure"}
    assert {key for key, row in rows().items() if row.locked} == {"exposure"}


def test_a_choice_offers_its_value_and_its_default() -> None:
    for row in rows().values():
        if row.options:
            assert {row.value, row.default} <= {value for value, _words in row.options}, row.key


def test_what_the_administrator_set_is_locked_and_says_by_which_file() -> None:
    policy = AdminPolicy(path="/etc/p.toml", exposure_forbidden=True, reserve_fraction=0.3, model_folders=("/srv/models",))
    shown = rows(replace(states.plan_shown(), policy=policy))
    for key in ("reserve_fraction", "model_folders", "exposure"):
        assert shown[key].locked == "Set by your administrator (/etc/p.toml)."
    assert not shown["policy"].locked
