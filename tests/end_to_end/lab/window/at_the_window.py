"""The application on the lab's desk, on a real X server, with ``window_driver`` for a person.

``python -m tests.end_to_end.lab.window.at_the_window MODEL FOLDER [--size 1280x800] [--dark]`` (as root) takes the pictures of
three machines for people; the README's ``three-machines.png`` is one of them. The test is ``test_window_journey``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine.runtimes.find_runtimes import CHOSEN_VARIABLE
from engine.settings.folders import DATA_VARIABLE, find_folders
from tests.end_to_end.crossply_programs import ROOT
from tests.end_to_end.window.x_display import display
from tests.lab.lab import Lab

NAMES = ("lab1", "lab2", "lab3")


def walk(lab: Lab, programs: Path, model: Path, pictures: Path, *options: str, seconds: float = 280.0) -> dict[str, Any]:
    """The whole way by clicks. Fails unless the application ends with 0 and without a word on stderr."""
    models = lab.client_home / ".local/share/crossply/models"
    careless = os.umask(0o077)  # what the test itself makes is no finding
    models.mkdir(parents=True)
    os.umask(careless)
    (models / model.name).symlink_to(model)
    with display() as screen:
        environment = [f"{CHOSEN_VARIABLE}={programs}", f"DISPLAY={screen}", "QT_QPA_PLATFORM=xcb"]
        prefix = [*lab.command_prefix(cwd=ROOT), "env", "-u", DATA_VARIABLE, *environment]
        argv = [*prefix, sys.executable, "-m", "tests.end_to_end.lab.window.window_driver", str(pictures), *NAMES, *options]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
    assert (done.returncode, done.stderr[-3000:]) == (0, ""), done.stdout[-1000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(model: str, folder: str, *options: str) -> int:
    """Pictures and times for people, with the llama.cpp programs of this machine."""
    programs = next(find_folders().data.glob("runtimes/*/bin/llama-server")).parent
    with Lab(4) as lab:
        print(json.dumps(walk(lab, programs, Path(model), Path(folder), *options), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
