"""Which boundary of the layer map is chosen, whether it is held, and where. No Qt: the chart asks it what to say and to draw.

What is held stands where the hand put it, also before the session has planned with it: a key that repeats 30 times a second
would else start from the same layer twice.
"""

from __future__ import annotations

from gui.what_to_show.plan_edits.boundaries_content import BoundaryContent


class BoundaryHand:
    """One hand: a mouse or a key."""

    def __init__(self) -> None:
        self._boundaries: tuple[BoundaryContent, ...] = ()
        self.chosen = 0
        """The boundary that keys move."""
        self.holds = False
        self.by_mouse = False
        self._layer: int | None = None
        self._taken_at = 0

    def show_boundaries(self, boundaries: tuple[BoundaryContent, ...]) -> bool:
        """Those that there are now. Returns false when the one that was held is no longer there."""
        lost = self.holds and self.chosen >= len(boundaries)
        self._boundaries = boundaries
        self.chosen = max(0, min(self.chosen, len(boundaries) - 1))
        if lost:
            self.let_go()
        if not self.holds:
            self._layer = None
        return not lost

    @property
    def layer(self) -> int:
        """In front of which layer the chosen boundary stands, or is held."""
        return self.layer_of(self.chosen)

    def layer_of(self, boundary: int) -> int:
        """The same for any boundary."""
        if boundary == self.chosen and self._layer is not None:
            return self._layer
        return self._boundaries[boundary].layer

    def choose(self, boundary: int) -> None:
        """Another one, as far as there are any."""
        self.chosen = max(0, min(boundary, len(self._boundaries) - 1))
        self._layer = None

    def take(self, boundary: int, *, by_mouse: bool) -> None:
        """Hold one."""
        self.choose(boundary)
        self.holds, self.by_mouse = True, by_mouse
        self._layer = self._taken_at = self._boundaries[self.chosen].layer

    def to(self, layer: int) -> int | None:
        """Move what is held in front of a layer, or as near as it may come; ``None`` when it stands there already."""
        boundary = self._boundaries[self.chosen]
        layer = max(boundary.lowest, min(boundary.highest, layer))
        if not self.holds or layer == self._layer:
            return None
        self._layer = layer
        return layer

    def let_go(self, *, back: bool = False) -> None:
        """Hold nothing; ``back``: it springs to where it was taken. It stands there until the next boundaries are shown."""
        if back and self.holds:
            self._layer = self._taken_at
        self.holds = self.by_mouse = False
