"""How long the frozen programs take to start, beside the checkout's, in turn: ``measure_start.py [PAIRS]``.

The window: from starting it until an Xvfb has it mapped (asked every 20 ms), each time with an empty data folder and llama.cpp
chosen, so that neither looks for it. ``crossplyctl --version``: until it has ended. The first pair fills the page cache and is
not counted. Target: 1.3 times.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from linux.nfpm_packages import staged
from parts.facts import BUILD, ROOT
from parts.installed_files import WINDOW

TARGET = 1.3
TITLE = "^Crossply"
LONGEST_SECONDS = 60.0


def main() -> int:
    """See the module's docstring. Exit status 1: slower than the target."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    python, frozen = str(ROOT / ".venv/bin/python"), staged(WINDOW)
    reader, writer = os.pipe()
    # -noreset: else it starts anew whenever xdotool, its only client, goes, and refuses who comes meanwhile.
    screen = ["-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    command = ["Xvfb", "-noreset", "-displayfd", str(writer), *screen]
    with subprocess.Popen(command, pass_fds=(writer,), stderr=subprocess.DEVNULL) as server:
        display = f":{os.read(reader, 16).decode().strip()}"
        try:
            window = compared(
                "window",
                lambda: seconds_until_shown([python, "-m", "gui"], display),
                lambda: seconds_until_shown([str(frozen / "crossply")], display),
                pairs,
            )
        finally:
            server.terminate()
    version = "--version"
    command_line = compared(
        f"crossplyctl {version}",
        lambda: seconds_until_ended([python, "-m", "engine.cli.main", version]),
        lambda: seconds_until_ended([str(frozen / "crossplyctl"), version]),
        pairs,
    )
    return 0 if max(window, command_line) <= TARGET else 1


def compared(name: str, checkout: Callable[[], float], frozen: Callable[[], float], pairs: int) -> float:
    """Median of the pairs' ratios, frozen by checkout; told with the times."""
    found = [(checkout(), frozen()) for _ in range(pairs + 1)][1:]
    for which, values in zip(("checkout", "frozen"), zip(*found, strict=True), strict=True):
        low, high = min(values), max(values)
        print(f"{name}, {which}: median {statistics.median(values):.2f} s, range {low:.2f}-{high:.2f} s ({pairs} runs)")
    ratio = statistics.median(two / one for one, two in found)
    print(f"{name}, frozen / checkout: median of pairs {ratio:.2f} (target {TARGET})", flush=True)
    return ratio


def seconds_until_shown(program: list[str], display: str) -> float:
    """Of one start; the window is ended afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(folder) | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        begun = time.monotonic()
        with subprocess.Popen(program, env=environment, cwd=Path(folder), stderr=subprocess.DEVNULL) as process:
            search = ["xdotool", "search", "--onlyvisible", "--name", TITLE]
            while not subprocess.run(search, env=environment, check=False, capture_output=True).stdout:
                if process.poll() is not None or time.monotonic() - begun > LONGEST_SECONDS:
                    raise RuntimeError(f"{program} shows no window (exit status {process.poll()})")
                time.sleep(0.02)
            took = time.monotonic() - begun
            process.terminate()
            process.wait(20)
        return took


def seconds_until_ended(program: list[str]) -> float:
    """Of one run."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        subprocess.run(program, env=_environment(folder), cwd=Path(folder), check=True, capture_output=True)
        return time.monotonic() - begun


def _environment(folder: str) -> dict[str, str]:
    runtime = next((BUILD / "runtimes").iterdir())
    ours = {"CROSSPLY_DATA": folder, "CROSSPLY_RUNTIME": str(runtime), "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": folder}
    return {**os.environ, **ours}


if __name__ == "__main__":
    sys.exit(main())
