"""How long the window keeps the GUI thread busy at a stretch while a lab comes up, launches and runs, and what it takes.

``python tests/benchmarks/gui/window_speed.py [--machines 200] [--seconds 30] [--charts 16] [--memory-updates 20000]``,
offscreen unless QT_QPA_PLATFORM says otherwise. States of ``busy_lab`` are shown ten times a second by the window's own
bridge. A slice is what the GUI thread does between two turns of its event loop, told by a timer that is always due: in
wall-clock time, which on a busy machine counts what others take, and in the thread's own processor time. Targets: p99 at
most 16.7 ms, none over 50 ms, counted over the slices that did something (over 0.5 ms): the many that did nothing would hide
them.

Then the same states again and again as fast as they go, and the process's memory: flat, at most 250 MB. Memory of the states
themselves is in it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import psutil
from PySide6.QtCore import QEventLoop, QObject, QSettings, Qt, QTimer
from PySide6.QtWidgets import QGridLayout, QWidget

from engine.session.state import ClusterState
from gui.app import make_appearance, make_application, spare_the_collector
from gui.main_window import MainWindow
from gui.session_bridge import SessionBridge
from gui.theme import Appearance
from tests.fakes.sessions.fake_session import FakeSession
from tests.fakes.states.busy_lab import busy_lab

STATES_PER_SECOND = 10
P99_TARGET_MS, LONGEST_TARGET_MS, MEMORY_TARGET_MB = 16.7, 50.0, 250.0


class Slices(QObject):
    """Collects the time between two turns of the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.wall_ms: list[float] = []
        self.own_ms: list[float] = []
        self._last = (time.perf_counter(), time.thread_time())
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._turn)

    def start(self) -> None:
        """From now on."""
        self._last = (time.perf_counter(), time.thread_time())
        self._timer.start(1)

    def stop(self) -> None:
        """Enough."""
        self._timer.stop()

    def _turn(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        self.wall_ms.append((now[0] - self._last[0]) * 1000 - 1)
        self.own_ms.append((now[1] - self._last[1]) * 1000)
        self._last = now


def main() -> int:
    """Measure and say whether the targets are met."""
    options = _options()
    application = make_application(sys.argv[:1])
    settings = QSettings(str(Path(tempfile.mkdtemp()) / "window.ini"), QSettings.Format.IniFormat)
    appearance = make_appearance(application, settings)
    states = list(busy_lab(options.machines, options.seconds * STATES_PER_SECOND))
    session = FakeSession(states[0])
    bridge = SessionBridge(session)
    window = MainWindow(bridge, appearance, settings)
    window.resize(1440, 900)
    window.show()
    bridge.start()
    _wait(1500)
    more = MoreCharts(window, appearance, max(0, options.charts - len(window.throughput.blocks)))
    bridge.changed.connect(more.show_state)
    more.show()
    _wait(500)
    spare_the_collector()
    slices = _play(session, states)
    print(f"{options.machines} machines, {len(states)} states, {options.charts} curves, window 1440x900")
    met = _report(slices)
    met &= _memory(window, states, options.memory_updates)
    window._end()
    return 0 if met else 1


class MoreCharts(QWidget):
    """Further curves in a window of their own, shown as the throughput tab shows its own."""

    def __init__(self, window: MainWindow, appearance: Appearance, n: int) -> None:
        super().__init__()
        self._window = window
        from gui.charts.throughput_chart import ThroughputChart

        grid = QGridLayout(self)
        self._charts = [ThroughputChart(appearance, small=False, words_at_marks=number == 0) for number in range(n)]
        for number, chart in enumerate(self._charts):
            grid.addWidget(chart, *divmod(number, 4))
        self.resize(1440, 800)

    def show_state(self, _state: ClusterState) -> None:
        """What the tab shows, on all of them."""
        content = self._window.throughput.content
        assert content is not None
        for number, chart in enumerate(self._charts):
            chart.show_content(content.charts[number % len(content.charts)])


def _play(session: FakeSession, states: list[ClusterState]) -> Slices:
    loop = QEventLoop()
    slices = Slices()
    left = iter(states)
    feed = QTimer()

    def next_state() -> None:
        state = next(left, None)
        if state is None:
            loop.quit()
        else:
            session.show(state)

    feed.timeout.connect(next_state)
    feed.start(1000 // STATES_PER_SECOND)
    slices.start()
    loop.exec()
    slices.stop()
    feed.stop()
    return slices


def _report(slices: Slices) -> bool:
    for name, found in (("wall", slices.wall_ms), ("own processor time", slices.own_ms)):
        busy = sorted(slice_ms for slice_ms in found if slice_ms > 0.5)
        every = sorted(found)
        print(
            f"  {name}: p50 {_at(every, 0.5):.1f} ms, p99 {_at(every, 0.99):.1f} ms, max {every[-1]:.1f} ms;"
            f" of the {len(busy)} over 0.5 ms: p50 {_at(busy, 0.5):.1f} ms, p99 {_at(busy, 0.99):.1f} ms;"
            f" {sum(one > LONGEST_TARGET_MS for one in every)} over {LONGEST_TARGET_MS:.0f} ms"
        )
    busy = sorted(slice_ms for slice_ms in slices.own_ms if slice_ms > 0.5)
    return _at(busy, 0.99) <= P99_TARGET_MS and busy[-1] <= LONGEST_TARGET_MS


def _memory(window: MainWindow, states: list[ClusterState], updates: int) -> bool:
    process = psutil.Process()
    megabytes = [process.memory_info().rss / 1e6]
    begun = time.perf_counter()
    for part in range(4):
        for number in range(updates // 4):
            window.show_state(states[(part * (updates // 4) + number) % len(states)])
            if number % 50 == 0:
                _wait(1)
        megabytes.append(process.memory_info().rss / 1e6)
    seconds = time.perf_counter() - begun
    words = ", ".join(f"{one:.0f}" for one in megabytes)
    each = 1000 * seconds / max(1, updates)
    print(f"  memory before and after each quarter of {updates} updates: {words} MB ({each:.1f} ms each)")
    return megabytes[-1] <= MEMORY_TARGET_MB


def _at(found: list[float], share: float) -> float:
    return found[min(len(found) - 1, int(len(found) * share))] if found else 0.0


def _wait(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--charts", type=int, default=16)
    parser.add_argument("--memory-updates", type=int, default=2000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
