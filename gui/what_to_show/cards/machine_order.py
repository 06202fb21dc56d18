"""Which machines are shown, in which order and groups, and whether as cards or one line each.

One line each switches itself on above a dozen machines: cards of thirteen are three screens full, and most of what they say is
the same thirteen times. Rejected: switching by the height of the window (the same lab would look different after a resize).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gui.texts.translation import mark, tr
from gui.what_to_show.cards.machine_line_content import HERE, NO_NETWORK, MachineLineContent

MOST_CARDS = 12
"""With more machines, ``Density.AUTOMATIC`` is one line each."""
_STATES_FIRST = ("bad", "link", "warning", "muted", "good")
"""What needs a person comes first."""


class SortBy(StrEnum):
    """In which order."""

    ADDED = mark("As added")
    NAME = mark("Name")
    STATE = mark("State")
    MEMORY = mark("Safe memory")
    SPEED = mark("Speed")


class GroupBy(StrEnum):
    """Under which headings."""

    NOTHING = mark("No groups")
    STATE = mark("By state")
    NETWORK = mark("By network")


class Density(StrEnum):
    """How much of each."""

    AUTOMATIC = mark("Automatic")
    CARDS = mark("Cards")
    LINES = mark("Lines")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineView:
    """What the person chose to see."""

    search: str = ""
    sort: SortBy = SortBy.ADDED
    group: GroupBy = GroupBy.NOTHING
    density: Density = Density.AUTOMATIC


def view_as_text(view: MachineView) -> str:
    """To be kept until the next start; a search is not."""
    return ",".join((view.sort.value, view.group.value, view.density.value))


def view_from_text(text: str) -> MachineView:
    """What was kept; as at the first start when it makes no sense."""
    try:
        sort, group, density = text.split(",")
        return MachineView(sort=SortBy(sort), group=GroupBy(group), density=Density(density))
    except ValueError:
        return MachineView()


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineGroup:
    """Machines under one heading; an empty title = no heading."""

    title: str
    machine_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineOrder:
    """What is shown."""

    groups: tuple[MachineGroup, ...]
    one_line_each: bool
    nothing: str
    """Why there is nothing; empty when there is something."""


def order_of(lines: tuple[MachineLineContent, ...], view: MachineView) -> MachineOrder:
    """Search, then sort, then group. Machines that sort alike stay in the order in which they were added."""
    words = view.search.lower().split()
    found = [line for line in lines if all(word in line.searched for word in words)]
    return MachineOrder(
        groups=_groups_of(sorted(found, key=_KEYS[view.sort]), view.group),
        one_line_each=view.density is Density.LINES or (view.density is Density.AUTOMATIC and len(lines) > MOST_CARDS),
        nothing=_why_nothing(lines, found, view),
    )


def _why_nothing(lines: tuple[MachineLineContent, ...], found: list[MachineLineContent], view: MachineView) -> str:
    if found:
        return ""
    return tr("No machine matches “{search}”.", search=view.search.strip()) if lines else tr("Looking at this machine…")


def _groups_of(lines: list[MachineLineContent], group: GroupBy) -> tuple[MachineGroup, ...]:
    if group is GroupBy.NOTHING:
        return (MachineGroup(title="", machine_ids=tuple(line.machine_id for line in lines)),) if lines else ()
    by_title: dict[str, list[MachineLineContent]] = {}
    for line in sorted(lines, key=_GROUP_KEYS[group]):
        title = line.network if group is GroupBy.NETWORK else f"{line.status_shape} {line.status}"
        by_title.setdefault(title, []).append(line)
    return tuple(
        MachineGroup(title=f"{title} · {len(members)}", machine_ids=tuple(line.machine_id for line in members))
        for title, members in by_title.items()
    )


def _natural(text: str) -> list[tuple[bool, int, str]]:
    """``9``, then ``lab-9``, then ``lab-10``."""
    return [
        (False, int(part), "") if part.isdecimal() else (True, 0, part) for part in re.split(r"(\d+)", text.lower()) if part
    ]


def _state_key(line: MachineLineContent) -> tuple[int, str]:
    role = line.status_role
    return (_STATES_FIRST.index(role) if role in _STATES_FIRST else len(_STATES_FIRST)), line.status


def _network_key(line: MachineLineContent) -> tuple[bool, bool, list[tuple[bool, int, str]]]:
    return line.network != tr(HERE), line.network == tr(NO_NETWORK), _natural(line.network)


_KEYS: dict[SortBy, Callable[[MachineLineContent], Any]] = {
    SortBy.ADDED: lambda _line: 0,
    SortBy.NAME: lambda line: _natural(line.title),
    SortBy.STATE: _state_key,
    SortBy.MEMORY: lambda line: -line.safe_bytes,
    SortBy.SPEED: lambda line: -(line.read_bytes_per_second or 0.0),
}
_GROUP_KEYS: dict[GroupBy, Callable[[MachineLineContent], Any]] = {
    GroupBy.STATE: _state_key,
    GroupBy.NETWORK: _network_key,
}
