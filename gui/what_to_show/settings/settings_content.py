"""What the settings dialog shows: each setting with its value, its default, and whether it was changed.

Some are of the engine (``Choices``: reserve, policy, model folders), the others of the window (``Preferences``). Exposure is
shown and cannot be changed here: the tunnel is always what a machine begins with, and opening a port is said yes to machine by
machine, for one session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.planning.memory.safe_memory import DEFAULT_RESERVE_FRACTION, LEAST_RESERVE_FRACTION, MOST_RESERVE_FRACTION
from engine.session.state import Choices, ClusterState
from engine.vocabulary.plan import Policy
from engine.vocabulary.running.recovery import RecoveryMode
from gui.texts.translation import tr, tr_n
from gui.what_to_show.formatting import percent_text
from gui.what_to_show.plan_table_content import policy_options
from gui.what_to_show.settings.preferences import TEXT_SCALES, Language, Preferences, Scheme

Value = str | float | bool | tuple[str, ...]


class Kind(StrEnum):
    """How a setting is set."""

    PERCENT = "percent"
    CHOICE = "choice"
    FLAG = "flag"
    FOLDERS = "folders"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting."""

    key: str
    title: str
    words: str
    """What it means, one or two sentences."""
    kind: Kind
    value: Value
    default: Value
    default_text: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Of a choice: (value, words)."""
    least: int = 0
    most: int = 100
    """Of a percentage."""
    locked: str = ""
    """Why it cannot be changed now; empty when it can."""

    @property
    def changed(self) -> bool:
        """Whether it is not the default."""
        return self.value != self.default


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingGroup:
    """A title and its settings."""

    title: str
    rows: tuple[SettingRow, ...]


def settings_of(state: ClusterState, preferences: Preferences, default: Preferences) -> tuple[SettingGroup, ...]:
    """All of them."""
    return (
        SettingGroup(title=tr("Memory and plan"), rows=_planning(state)),
        SettingGroup(title=tr("Service"), rows=(_recovery(state.choices),)),
        SettingGroup(title=tr("Models"), rows=(_folders(state),)),
        SettingGroup(title=tr("Network"), rows=(_exposure(state),)),
        SettingGroup(title=tr("Appearance"), rows=_looks(preferences, default)),
        SettingGroup(title=tr("Behaviour"), rows=_behaviour(preferences, default)),
    )


def n_changed(groups: Sequence[SettingGroup]) -> int:
    """How many are not the default."""
    return sum(row.changed for group in groups for row in group.rows)


def changed_text(groups: Sequence[SettingGroup]) -> str:
    """The same in words."""
    n = n_changed(groups)
    if not n:
        return tr("Every setting is as it comes.")
    return tr_n("{n} setting is changed from how it comes.", "{n} settings are changed from how they come.", n)


def _planning(state: ClusterState) -> tuple[SettingRow, ...]:
    choices, locked = state.choices, tr("The cluster is running: stop it first.") if state.run_wanted else ""
    administered = _by_administrator(state) if state.policy.reserve_fraction is not None else ""
    policies = tuple((option.key, option.label) for option in policy_options())
    return (
        SettingRow(
            key="reserve_fraction",
            title=tr("Reserve"),
            words=tr(
                "Share of every device's memory that Crossply leaves alone, for the system and other programs: "
                "{least} at least, so that no more than "
                "{most} is ever used.",
                least=percent_text(LEAST_RESERVE_FRACTION),
                most=percent_text(1 - LEAST_RESERVE_FRACTION),
            ),
            kind=Kind.PERCENT,
            value=choices.reserve_fraction,
            default=DEFAULT_RESERVE_FRACTION,
            default_text=percent_text(DEFAULT_RESERVE_FRACTION),
            least=round(LEAST_RESERVE_FRACTION * 100),
            most=round(MOST_RESERVE_FRACTION * 100),
            locked=administered or locked,
        ),
        SettingRow(
            key="policy",
            title=tr("Policy"),
            words=tr("How layers are shared out. It is the one of the Plan panel, and the next start begins with it."),
            kind=Kind.CHOICE,
            value=choices.policy.value,
            default=Policy.FASTEST.value,
            default_text=dict(policies)[Policy.FASTEST.value],
            options=policies,
            locked=locked,
        ),
    )


def _by_administrator(state: ClusterState) -> str:
    return tr("Set by your administrator ({file}).", file=state.policy.path)


def _recovery(choices: Choices) -> SettingRow:
    modes = (
        (RecoveryMode.AUTOMATIC.value, tr("Start again on what is left")),
        (RecoveryMode.ASK.value, tr("Ask before starting again")),
        (RecoveryMode.NEVER.value, tr("Stop")),
    )
    words = tr(
        "A worker, a machine, a connection or llama-server is lost: what is left of the run is stopped in any case, because "
        "llama-server cannot go on without a worker."
    )
    values = (choices.recovery.value, RecoveryMode.AUTOMATIC.value)
    return _choice("recovery", tr("When something breaks"), words, values, modes)


def _folders(state: ClusterState) -> SettingRow:
    return SettingRow(
        key="model_folders",
        title=tr("Model folders"),
        words=tr("Where GGUF files are looked for, besides the places that are known."),
        kind=Kind.FOLDERS,
        value=state.choices.model_folders,
        default=(),
        default_text=tr("none"),
        locked=_by_administrator(state) if state.policy.model_folders is not None else "",
    )


def _exposure(state: ClusterState) -> SettingRow:
    return SettingRow(
        key="exposure",
        title=tr("Exposure"),
        words=tr(
            "Workers and llama-server listen on their own machine only (127.0.0.1); what goes between machines goes through "
            "SSH tunnels. A machine's workers can be opened on one address of its network from its card's menu, for one "
            "session: rpc-server has no password, so whoever reaches that address can use the worker and run code on it."
        ),
        kind=Kind.NOTE,
        value=tr("Loopback and tunnels"),
        default=tr("Loopback and tunnels"),
        locked=_by_administrator(state) if state.policy.exposure_forbidden else tr("Always how a machine begins"),
    )


def _looks(now: Preferences, default: Preferences) -> tuple[SettingRow, ...]:
    schemes = tuple((scheme.value, tr("As the system") if scheme is Scheme.SYSTEM else tr(scheme.value)) for scheme in Scheme)
    languages = tuple(
        (language.value, tr("As the system") if language is Language.SYSTEM else language.value) for language in Language
    )
    scales = tuple((str(scale), percent_text(scale)) for scale in TEXT_SCALES)
    return (
        _choice("scheme", tr("Theme"), tr("System follows light, dark and high contrast as they change."),
                (now.scheme.value, default.scheme.value), schemes),
        _choice("text_scale", tr("Text size"), tr("On top of what the system asks for."),
                (str(now.text_scale), str(default.text_scale)), scales),
        _choice("language", tr("Language"), tr("Holds from the next start."),
                (now.language.value, default.language.value), languages),
        _flag("menu_bar", tr("Menu bar"), tr("Without it everything is in the palette and in the menu at the top."),
              (now.menu_bar, default.menu_bar)),
    )  # fmt: skip


def _behaviour(now: Preferences, default: Preferences) -> tuple[SettingRow, ...]:
    return (
        _flag("ask_at_quit", tr("Ask before quitting"),
              tr("When the window is closed while something runs. Without it, what runs is stopped; workers that were left "
                 "running on purpose stay."), (now.ask_at_quit, default.ask_at_quit)),
        _flag("notify", tr("Notifications"),
              tr("When the window is not in front and a launch, a failure or measured plans took over 10 seconds. A failure "
                 "is told at once."),
              (now.notify, default.notify)),
        _flag("tray", tr("Tray icon"), tr("While something runs, where the desktop has a tray."), (now.tray, default.tray)),
    )  # fmt: skip


def _choice(key: str, title: str, words: str, values: tuple[str, str], options: tuple[tuple[str, str], ...]) -> SettingRow:
    value, default = values
    return SettingRow(
        key=key, title=title, words=words, kind=Kind.CHOICE, value=value, default=default, options=options,
        default_text=dict(options).get(default, default),
    )  # fmt: skip


def _flag(key: str, title: str, words: str, values: tuple[bool, bool]) -> SettingRow:
    value, default = values
    return SettingRow(
        key=key,
        title=title,
        words=words,
        kind=Kind.FLAG,
        value=value,
        default=default,
        default_text=tr("on") if default else tr("off"),
    )
