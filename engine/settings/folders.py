"""Where our files are: one answer for the window, the command line, the tests and the set-up.

Each kind of file goes where the system wants it (platformdirs): what must survive in the data folder, what may be deleted in
the cache folder, what happened in the state and log folders. ``CROSSPLY_DATA`` puts all of it under one folder: tests and
trial installations use that. Rejected: ``~/.crossply`` (nobody wants another dot folder), and a folder beside the checkout
(builds take ten minutes and must outlive it).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

DATA_VARIABLE = "CROSSPLY_DATA"
"""Environment variable: one folder for everything of ours."""

_APP = "crossply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Our folders. They need not exist: whoever writes makes them."""

    data: Path
    cache: Path
    """May be deleted at any time: downloaded sources, what was learnt about runtimes, rpc-server's weight caches."""
    state: Path
    """Which cluster runs, measurements, settings history."""
    logs: Path

    @property
    def runtimes(self) -> Path:
        """One folder per build of llama.cpp."""
        return self.data / "runtimes"

    @property
    def models(self) -> Path:
        """GGUF files that we fetched."""
        return self.data / "models"


def find_folders(environment: Mapping[str, str] | None = None) -> Folders:
    """Our folders on this machine for this user, or below ``CROSSPLY_DATA`` where that is set."""
    override = (os.environ if environment is None else environment).get(DATA_VARIABLE)
    if override:
        top = Path(override).expanduser().absolute()
        return Folders(data=top, cache=top / "cache", state=top / "state", logs=top / "logs")
    return Folders(
        data=platformdirs.user_data_path(_APP, appauthor=False),
        cache=platformdirs.user_cache_path(_APP, appauthor=False),
        state=platformdirs.user_state_path(_APP, appauthor=False),
        logs=platformdirs.user_log_path(_APP, appauthor=False),
    )
