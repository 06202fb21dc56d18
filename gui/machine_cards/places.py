"""Where cards, lines and headings lie: from the top, cards side by side, everything else across. Without Qt.

Heights of what was never shown are guesses; they are mended when it comes into view. Rejected: a layout of Qt's, which asks
every one of 200 cards for its size whenever one of them changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What an item is."""

    HEADING = "heading"
    CARD = "card"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something to be placed. ``key`` is a machine's id or a heading's title; heights are pixels."""

    kind: Kind
    key: str
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A rectangle in pixels, from the top left."""

    item: Item
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """All of them, from top to bottom, and how high they are together."""

    places: tuple[Place, ...]
    height: int

    def between(self, top: int, bottom: int) -> tuple[Place, ...]:
        """Those that reach into a stretch of the height."""
        return tuple(place for place in self.places if place.y < bottom and place.y + place.height > top)


def places_of(items: Sequence[Item], *, width: int, columns: int, gap: int) -> Places:
    """Cards of one row are as high as the highest of them."""
    places: list[Place] = []
    y = 0
    row: list[Item] = []
    for item in (*items, None):
        if row and (item is None or item.kind is not Kind.CARD or len(row) == columns):
            places += _row_places(row, y, width, columns, gap)
            y = places[-1].y + places[-1].height + gap
            row = []
        if item is None:
            break
        after_line = bool(places) and not row and places[-1].item.kind is Kind.LINE
        if after_line and item.kind is not Kind.LINE:
            y += gap
        if item.kind is Kind.CARD:
            row.append(item)
        else:
            places.append(Place(item=item, x=0, y=y, width=width, height=item.height))
            y += item.height
    return Places(places=tuple(places), height=max((place.y + place.height for place in places), default=0))


def _row_places(row: list[Item], y: int, width: int, columns: int, gap: int) -> list[Place]:
    height = max(item.height for item in row)
    step = (width + gap) / columns
    return [
        Place(
            item=item,
            x=round(column * step),
            y=y,
            width=round((column + 1) * step) - gap - round(column * step),
            height=height,
        )
        for column, item in enumerate(row)
    ]
