"""How long the frozen window takes to be on an Xvfb, beside the checkout's, in turn: ``measure_start.py [PAIRS]``.

From starting the program until the X server has its window mapped (``xdotool search --sync``), each with an empty data folder
and llama.cpp chosen, so that neither looks for it. The first pair fills the page cache and is not counted. Target: 1.3 times.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from linux.nfpm_packages import staged
from parts.facts import BUILD, ROOT
from parts.installed_files import WINDOW

TARGET = 1.3
TITLE = "^Crossply"


def main() -> int:
    """See the module's docstring. Exit status 1: slower than the target."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    programs = {
        "checkout": [str(ROOT / ".venv/bin/python"), "-m", "gui"],
        "frozen": [str(staged(WINDOW) / "crossply")],
    }
    found: dict[str, list[float]] = {name: [] for name in programs}
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=(writer,), stderr=subprocess.DEVNULL) as server:
        display = f":{os.read(reader, 16).decode().strip()}"
        try:
            for _ in range(pairs + 1):
                for name, program in programs.items():
                    found[name].append(seconds_until_shown(program, display))
        finally:
            server.terminate()
    medians = {name: statistics.median(values[1:]) for name, values in found.items()}
    for name, values in found.items():
        print(f"{name}: median {medians[name]:.2f} s, range {min(values[1:]):.2f}-{max(values[1:]):.2f} s ({pairs} runs)")
    ratio = statistics.median(b / a for a, b in zip(found["checkout"][1:], found["frozen"][1:], strict=True))
    print(f"frozen / checkout: median of pairs {ratio:.2f} (target {TARGET})")
    return 0 if ratio <= TARGET else 1


def seconds_until_shown(program: list[str], display: str) -> float:
    """Of one start; the window is ended afterwards."""
    runtime = next((BUILD / "runtimes").iterdir())
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "CROSSPLY_DATA": folder}
        environment |= {"CROSSPLY_RUNTIME": str(runtime), "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": folder}
        begun = time.monotonic()
        with subprocess.Popen(program, env=environment, cwd=Path(folder), stderr=subprocess.DEVNULL) as process:
            search = ["xdotool", "search", "--sync", "--onlyvisible", "--name", TITLE]
            subprocess.run(search, env=environment, check=True, capture_output=True, timeout=60)
            took = time.monotonic() - begun
            process.terminate()
            process.wait(20)
        return took


if __name__ == "__main__":
    sys.exit(main())
