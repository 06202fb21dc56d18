"""Watching: do 100,000 lines of a log, or a run that is watched for hours, make the window slow or large?

``python tests/benchmarks/gui/watching.py``. Offscreen, in this process: what a change costs the GUI thread in milliseconds of
its processor time (others may be busy beside it), taking it up and painting it (in as many pieces as there are charts) apart;
for lines that arrive by the thousand while the tab is in front, and for the throughput tab when a reading comes (15 workers,
the whole run shown). And the process's peak memory in MB.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from PySide6.QtWidgets import QApplication

from engine.session import events
from engine.session.reducing.reduce import reduce
from engine.session.state import ClusterState
from engine.vocabulary.running.throughput import ThroughputSample
from gui.assets import icon_file
from gui.tabs.detail_tabs import DetailTabs
from gui.theme import Appearance, Scheme
from gui.what_to_show.watching.charts import Window
from tests.fakes.sessions.fake_session import FakeSession
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import remote_states, watched_states

BURSTS, LINES_PER_BURST = 100, 1000
WATCHED_SECONDS = 4 * 3600
SHOWN_READINGS = 200


def main() -> int:
    """Measure and print."""
    application = QApplication(sys.argv[:1])
    appearance = Appearance(application, arrow_file=icon_file("arrow-down-mid").as_posix())
    appearance.show(Scheme.LIGHT)
    tabs = DetailTabs(appearance)
    tabs.resize(1400, 320)
    tabs.show()
    tabs.throughput.make_charts()
    state = fifteen_workers()
    tabs.show_state(state)
    tabs.setCurrentWidget(tabs.logs)
    report("100,000 lines", measured(application, bursts(tabs)))
    tabs.setCurrentWidget(tabs.throughput)
    tabs.throughput.bar.windows[Window.WHOLE].click()
    report("a reading after 4 hours", measured(application, readings(tabs, watched_for_hours(state))))
    return 0


def bursts(tabs: DetailTabs) -> Iterable[Callable[[], None]]:
    """Lines of two processes."""
    session, last = FakeSession(), 0
    for burst in range(BURSTS):
        for number in range(LINES_PER_BURST):
            name = "llama-server" if number % 3 else "rpc-server 127.0.0.1:50052"
            session.say(name, f"0.{burst:02d}.{number:03d} I load_tensors: layer {number} assigned to device RPC{number % 3}")
        lines = session.logs.since(last)
        last = lines[-1].number
        yield lambda lines=lines: tabs.logs.add_lines(lines)


def fifteen_workers() -> ClusterState:
    """Six machines, as many workers as llama.cpp takes."""
    return watched_states.serving(*(remote_states.ready(number, gpus=2) for number in range(2, 6)))


def watched_for_hours(state: ClusterState) -> ClusterState:
    """Reduced as a session would, only faster."""
    for second in range(WATCHED_SECONDS):
        state = one_second(state, pieces.NOW + second)
    return state


def one_second(state: ClusterState, now: float) -> ClusterState:
    """Every machine's load and a sample."""
    for machine in state.machines:
        load = replace(pieces.load_of(machine)[1], taken_at_seconds=now)
        state = reduce(state, events.LoadSampled(load=load))
    sample = ThroughputSample(at_seconds=now, decode_tokens_per_second=18.0 + now % 3, prefill_tokens_per_second=None)
    return reduce(state, events.ThroughputMeasured(sample=sample))


def readings(tabs: DetailTabs, state: ClusterState) -> Iterable[Callable[[], None]]:
    """New states, as the window would be given them."""
    for second in range(SHOWN_READINGS):
        state = one_second(state, pieces.NOW + WATCHED_SECONDS + second)
        yield lambda state=state: tabs.show_state(state)


def measured(application: QApplication, work: Iterable[Callable[[], None]]) -> tuple[list[float], list[float]]:
    """Milliseconds of each piece, and of the events that it brings about."""
    taking, painting = [], []
    for piece in work:
        began = time.thread_time()
        piece()
        taken = time.thread_time()
        application.processEvents()
        taking.append((taken - began) * 1000)
        painting.append((time.thread_time() - taken) * 1000)
    return sorted(taking), sorted(painting)


def report(name: str, milliseconds: tuple[list[float], list[float]]) -> None:
    """A line for each."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for what, times in zip(("taken up", "painted"), milliseconds, strict=True):
        middle, p99 = times[len(times) // 2], times[int(len(times) * 0.99) - 1]
        print(f"{name}, {what}: median {middle:.1f} ms, p99 {p99:.1f} ms, longest {times[-1]:.1f} ms; peak {peak:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
