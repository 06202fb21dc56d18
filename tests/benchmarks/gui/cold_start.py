"""From starting ``crossply`` to a window that can be used: shown, painted once, and back in the event loop.

``python tests/benchmarks/gui/cold_start.py [RUNS]``, offscreen unless QT_QPA_PLATFORM says otherwise, with a data folder of
its own and the real session. Wall-clock time since the process was created, and its processor time (all threads) until then.
Files are in the page cache after the first run. Target: 1.5 s.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

TARGET_SECONDS = 1.5


def main() -> int:
    """Start it some times and say how long each took."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    found = []
    for _ in range(runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ, CROSSPLY_DATA=folder, XDG_CONFIG_HOME=folder, PYTHONPATH=str(ROOT))
            command = [sys.executable, __file__, "--child"]
            said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        found.append(tuple(float(word) for word in said.split()[-2:]))
    for name, values in zip(("wall", "processor"), zip(*found[1:], strict=True), strict=True):
        print(f"{name}: median {statistics.median(values):.2f} s, range {min(values):.2f}-{max(values):.2f} s ({runs} runs)")
    return 0 if statistics.median(wall for wall, _own in found[1:]) <= TARGET_SECONDS else 1


def child() -> int:
    """The application itself, until it can be used."""
    from gui.__main__ import main as crossply

    def when_shown() -> None:
        import psutil

        print(time.time() - psutil.Process().create_time(), time.process_time(), flush=True)
        window.begin_closing()

    from PySide6.QtCore import QTimer

    import gui.main_window as module

    window = None
    shown = module.MainWindow.showEvent

    def show_event(self: module.MainWindow, event: object) -> None:
        nonlocal window
        window = self
        shown(self, event)
        QTimer.singleShot(0, self, lambda: QTimer.singleShot(0, self, when_shown))

    module.MainWindow.showEvent = show_event
    return crossply([])


if __name__ == "__main__":
    sys.exit(child() if "--child" in sys.argv else main())
