"""A real X server of our own with a window manager, for journeys at the window."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

SCREEN = "1600x1000x24"
_END_SECONDS = 10


@contextmanager
def display() -> Iterator[str]:
    """Its name. The window manager is there so that windows are active and keys reach them, as on a desktop."""
    argv = ["Xvfb", "-noreset", "-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            name = f":{server.stdout.readline().strip()}"
            with _window_manager(name):
                yield name
        finally:
            server.terminate()
            server.wait(_END_SECONDS)


@contextmanager
def _window_manager(name: str) -> Iterator[None]:
    environment = {**os.environ, "DISPLAY": name}
    argv = ["openbox", "--sm-disable"]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as openbox:
        try:
            yield
        finally:
            openbox.terminate()
            openbox.wait(_END_SECONDS)
