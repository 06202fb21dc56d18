"""The README's two pictures, from real runs: ``python -m tests.end_to_end.window.take_portraits [FOLDER]``, as root.

``window.png`` is one machine, ``three-machines.png`` the machines of the lab; FOLDER is ``resources/screenshots`` without one.
Takes about six minutes; on a machine that does something else the figures in the pictures are those of a busy machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.runtimes.demo_model import find_demo_model
from engine.runtimes.find_runtimes import CHOSEN_VARIABLE
from engine.settings.folders import DATA_VARIABLE, find_folders
from tests.end_to_end.crossply_programs import ROOT
from tests.end_to_end.lab.window.at_the_window import walk as walk_in_the_lab
from tests.end_to_end.window.at_one_machine import walk
from tests.lab.lab import Lab

DRIVER = "tests.end_to_end.window.portrait_driver"
LONGEST_SECONDS = 600.0
COLOURS = 255


def main(folder: Path) -> int:
    """Both, one after the other."""
    folders = find_folders()
    programs = next(folders.data.glob("runtimes/*/bin/llama-server")).parent
    model = find_demo_model(folders)
    assert model is not None, "run `make test` once: it fetches the model"
    with tempfile.TemporaryDirectory() as scratch:
        top, taken = Path(scratch), Path(scratch) / "window.png"
        environment = {**os.environ, CHOSEN_VARIABLE: str(programs), DATA_VARIABLE: str(top / "data")}
        told = walk(environment, top / "home", model, DRIVER, str(top / "steps"), str(taken), seconds=LONGEST_SECONDS)
        print(json.dumps(told, indent=1))
        keep(taken, folder)
        taken = top / "three-machines.png"
        with Lab(4) as lab:
            options = ("--size", "1440x940", "--portrait", str(taken))
            print(json.dumps(walk_in_the_lab(lab, programs, model, top / "lab", *options), indent=1))
        keep(taken, folder)
    return 0


def keep(taken: Path, folder: Path) -> None:
    """With a palette: a third of the bytes, and no difference that one sees."""
    kept = folder / taken.name
    smaller = ["convert", str(taken), "+dither", "-colors", str(COLOURS), "-strip", f"PNG8:{kept}"]
    if shutil.which("convert") is None:
        shutil.copy(taken, kept)
    else:
        subprocess.run(smaller, check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "resources/screenshots"))
