"""Widgets by key, used again for other keys: what scrolled out of view comes back as something else."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable
from typing import Generic, TypeVar

from PySide6.QtWidgets import QWidget

Shown = TypeVar("Shown", bound=QWidget)


class ShownWidgets(Generic[Shown]):
    """Never deletes one: there are as many as were once in view together."""

    def __init__(self, make: Callable[[], Shown]) -> None:
        self._make = make
        self._shown: dict[str, Shown] = {}
        self._free: list[Shown] = []

    def get(self, key: str) -> Shown | None:
        """The widget of a key, if it has one."""
        return self._shown.get(key)

    def items(self) -> ItemsView[str, Shown]:
        """All that are shown."""
        return self._shown.items()

    def keep(self, keys: Iterable[str]) -> bool:
        """Hide those of other keys; whether the keys are others than before."""
        wanted = set(keys)
        gone = [key for key in self._shown if key not in wanted]
        for key in gone:
            widget = self._shown.pop(key)
            widget.hide()
            self._free.append(widget)
        return bool(gone) or len(wanted) > len(self._shown)

    def take(self, key: str) -> tuple[Shown, bool]:
        """The widget of a key, and whether it was none of this key's before."""
        known = self._shown.get(key)
        if known is not None:
            return known, False
        widget = self._free.pop() if self._free else self._make()
        self._shown[key] = widget
        return widget, True
