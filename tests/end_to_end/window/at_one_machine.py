"""The application on this machine, on a real X server, as on the day it was installed: a home and a data folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.settings.folders import find_folders
from tests.end_to_end.crossply_programs import CARELESS_UMASK, ROOT, end_all
from tests.end_to_end.window.x_display import display

_LOOK_SECONDS = 0.5


def walk(
    environment: Mapping[str, str],
    home: Path,
    model: Path,
    driver: str,
    *options: str,
    seconds: float,
    meanwhile: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Run a driver to its end; ``meanwhile`` is called twice a second. Fails unless the application ends with 0 and without a
    word on stderr. ``environment``: with ``CROSSPLY_DATA`` and the llama.cpp programs."""
    models = find_folders(environment).models
    models.mkdir(parents=True)
    (models / model.name).symlink_to(model)
    home.mkdir(parents=True)
    argv = [sys.executable, "-m", driver, *options]
    with display() as screen, (home / "stdout").open("wb") as out, (home / "stderr").open("wb") as err:
        own = {**environment, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "DISPLAY": screen}
        environment_of_it = {**own, "QT_QPA_PLATFORM": "xcb"}
        process = subprocess.Popen(argv, cwd=ROOT, env=environment_of_it, stdout=out, stderr=err, umask=CARELESS_UMASK)
        try:
            _wait(process, seconds, meanwhile)
        finally:
            end_all(environment, process)
    said = (home / "stderr").read_text()[-4000:]
    assert (process.returncode, said) == (0, "")
    return dict(json.loads((home / "stdout").read_text().splitlines()[-1]))


def _wait(process: subprocess.Popen[bytes], seconds: float, meanwhile: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        meanwhile()
        time.sleep(_LOOK_SECONDS)
