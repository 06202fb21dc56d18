"""Where machines stand around the coordinator, and how the links run. Pure geometry; lengths in pixels.

A star, for all data goes through the coordinator's machine; in columns at its left and right, for the room is wide and low.
Rejected: a circle (of three machines in 200 pixels of height two would lie upon each other) and forces that settle (another
picture every time).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Half-way down."""
        return self.top + self.height / 2

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a box needs: at least and at most."""

    narrowest: float
    widest: float
    height: float
    centre_width: float
    gap: float
    """Between two boxes above each other."""
    link: float
    """Beside a box: room for a link and a word on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Star:
    """Boxes and links, a link per machine: from the coordinator's edge to the machine's."""

    centre: Box
    machines: tuple[Box, ...]
    links: tuple[tuple[Point, ...], ...]


def star_of(n: int, width: float, height: float, sizes: Sizes) -> Star | None:
    """``None`` when so many have no room: then they are listed."""
    centre = Box(
        left=(width - sizes.centre_width) / 2,
        top=(height - sizes.height) / 2,
        width=sizes.centre_width,
        height=sizes.height,
    )
    rows = int((height + sizes.gap) // (sizes.height + sizes.gap))
    per_side = ceil(n / 2)
    if not n:
        return Star(centre=centre, machines=(), links=())
    columns = ceil(per_side / rows) if rows else 0
    room = (width - sizes.centre_width) / 2
    box_width = min(sizes.widest, room / columns - sizes.link) if columns else 0.0
    if box_width < sizes.narrowest:
        return None
    right = _side(per_side, columns, box_width, height, centre, sizes, sign=1)
    left = _side(n - per_side, columns, box_width, height, centre, sizes, sign=-1)
    placed = [pair for both in zip(right, (*left, None), strict=False) for pair in both if pair is not None]
    return Star(centre=centre, machines=tuple(box for box, _ in placed), links=tuple(link for _, link in placed))


def _side(
    n: int, columns: int, box_width: float, height: float, centre: Box, sizes: Sizes, *, sign: int
) -> list[tuple[Box, tuple[Point, ...]]]:
    """Columns from the inside out, as even as can be."""
    found: list[tuple[Box, tuple[Point, ...]]] = []
    starts = centre.right if sign > 0 else centre.left
    inner: list[list[Box]] = []
    for column in range(columns):
        count = ceil((n - len(found)) / (columns - column))
        edge = starts + sign * (sizes.link + column * (box_width + sizes.link))
        left = edge if sign > 0 else edge - box_width
        boxes = [Box(left=left, top=top, width=box_width, height=sizes.height) for top in _tops(count, height, sizes.height)]
        found += [(box, _link(centre, box, inner, sizes, sign)) for box in boxes]
        inner.append(boxes)
    return found


def _tops(count: int, height: float, box_height: float) -> list[float]:
    """Spread over the height."""
    slot = height / max(1, count)
    return [slot * place + (slot - box_height) / 2 for place in range(count)]


def _link(centre: Box, box: Box, inner: list[list[Box]], sizes: Sizes, sign: int) -> tuple[Point, ...]:
    """Past the boxes of inner columns it goes through the gap that is nearest to its height."""
    begins = (centre.right if sign > 0 else centre.left, centre.middle)
    ends = (box.left if sign > 0 else box.right, box.middle)
    points = [begins]
    for boxes in inner:
        if not boxes:
            continue
        lane = min(_gaps(boxes, sizes.gap), key=lambda y: abs(y - box.middle))
        near, far = (boxes[0].left, boxes[0].right) if sign > 0 else (boxes[0].right, boxes[0].left)
        points += [(near, lane), (far, lane)]
    return (*points, ends)


def _gaps(boxes: list[Box], gap: float) -> list[float]:
    between = [(above.top + above.height + below.top) / 2 for above, below in pairwise(boxes)]
    return [boxes[0].top - gap / 2, *between, boxes[-1].top + boxes[-1].height + gap / 2]
