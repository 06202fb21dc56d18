"""Files of a person without a disk: cluster files, recent files, the demo model."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import BadClusterFile, EngineError
from engine.ports import CancelToken

DEMO_PATH = "/models/demo.gguf"


class FakeClusterFiles:
    """A ``ClusterFiles`` in memory. Set ``fails`` to make every write raise it."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.fails: BadClusterFile | None = None

    def read(self, path: str) -> str:
        if path not in self.texts:
            raise BadClusterFile(f"{path} cannot be read: No such file.", advice="Choose another file.")
        return self.texts[path]

    def write(self, path: str, text: str, expected: str | None) -> None:
        if self.fails is not None:
            raise self.fails
        if expected is not None and self.texts.get(path, expected) != expected:
            raise BadClusterFile(f"{path} was changed by somebody else.", advice="Save under another name.")
        self.texts[path] = text


class FakeRecentFiles:
    """A ``RecentFiles`` in memory."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.noted_clusters: list[str] = []

    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reversed(self.noted)))

    def clusters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reversed(self.noted_clusters)))

    def note_model(self, path: str) -> None:
        self.noted.append(path)

    def note_cluster(self, path: str) -> None:
        self.noted_clusters.append(path)


class FakeDemoModel:
    """Fetched at once, or not at all."""

    def __init__(self) -> None:
        self.fails: EngineError | None = None
        self.on_fetch: Callable[[], object] = lambda: None

    def fetch(self, progress: Callable[[float, str], None], token: CancelToken) -> str:
        progress(0.5, "part 2 of 5")
        self.on_fetch()
        token.check()
        if self.fails is not None:
            raise self.fails
        return DEMO_PATH
