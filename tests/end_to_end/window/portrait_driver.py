"""The README's window at work, by clicks: split the CPU, measure its speeds and the best plans, launch evenly, ask.

Run by ``take_portraits`` (``python -m tests.end_to_end.window.portrait_driver FOLDER PORTRAIT``). All that it shows has
happened.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.session.working.machines.look import CALIBRATE
from engine.vocabulary.plan import Plan
from gui.what_to_show.watching.charts import Window
from tests.end_to_end.window.one_machine_driver import measure, split_the_cpu
from tests.end_to_end.window.window_person import Person, close_the_window, visit

BEGINNINGS = ("The capital of France is", "Once upon a time there was a", "The largest planet is")
MEASURE_SECONDS = 300.0


def measure_speeds(person: Person) -> None:
    """Of both workers, so that predictions rest on this machine and not on published figures."""
    person.click(person.window.plan.measure)
    person.wait("measuring speeds", lambda: any(activity.id == CALIBRATE for activity in person.state.activities))
    person.wait("speeds measured", lambda: not person.state.activities and person.state.speeds, MEASURE_SECONDS)


def journey(person: Person, portrait: Path) -> dict[str, object]:
    """To the picture, and to the end of the run."""
    window = person.window
    person.wait("model known", lambda: isinstance(person.state.plan, Plan))
    split_the_cpu(person)
    measure_speeds(person)
    told = measure(person)
    person.launch()
    for beginning in BEGINNINGS:
        person.ask(beginning)
    person.open_tab(window.tabs, window.throughput)
    person.click(window.throughput.bar.windows[Window.MINUTE])
    person.wait("at work", lambda: person.state.throughput)
    person.portrait(portrait)
    person.stop()
    return told


def main() -> int:
    """The application with a person at it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("portrait", type=Path)
    given = parser.parse_args()
    return visit(lambda person: journey(person, given.portrait), close_the_window, given.folder, size="1440x900")


if __name__ == "__main__":
    sys.exit(main())
