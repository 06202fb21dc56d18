"""The window on a real session that launches as soon as there is a plan:
``python -m tests.faults.beds.window_program MODEL PORT``.

Offscreen; whoever started it kills it. As much of a person as is needed here: what clicks do is tested elsewhere.
"""

from __future__ import annotations

import sys
import threading

from engine.open_session import open_session
from engine.session.session import Session
from engine.session.state import Choices
from engine.vocabulary.plan import Plan, Policy, RunShape
from gui.app import run
from tests.faults.beds.bed import CONTEXT_TOKENS, SLOTS


def launch_when_planned(session: Session) -> None:
    """On a thread of its own."""
    while not isinstance(session.snapshot().plan, Plan):
        threading.Event().wait(0.02)
    session.launch()


def main() -> int:
    """The application's exit status."""
    model, port = sys.argv[1], int(sys.argv[2])
    shape = RunShape(context_tokens=CONTEXT_TOKENS, slots=SLOTS)
    choices = Choices(model_path=model, cpu_workers=2, api_port=port, policy=Policy.EVEN, shape=shape)

    def opened() -> Session:
        session = open_session(choices)
        threading.Thread(target=launch_when_planned, args=(session,), daemon=True).start()
        return session

    return run(opened, sys.argv[:1])


if __name__ == "__main__":
    sys.exit(main())
