"""Whether a program in a root shows its window: on an X server of this machine, seen from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linux.testing.fresh_root import CommandFailed, FreshRoot

TITLE = "Crossply"
LONGEST_SECONDS = 60.0
LEAST_COLOURS = 50
"""An empty screen has one; the window some hundreds."""
SIZE = "1400x900x24"


@contextmanager
def x_server(root: FreshRoot) -> Iterator[str]:
    """An Xvfb whose socket the root can reach; gives the display's name."""
    reader, writer = os.pipe()
    # -noreset: else it starts anew whenever xdotool, its only client, goes, and refuses who comes meanwhile.
    command = ["Xvfb", "-noreset", "-displayfd", str(writer), "-screen", "0", SIZE, "-nolisten", "tcp", "-ac"]
    with subprocess.Popen(command, pass_fds=(writer,), stderr=subprocess.DEVNULL) as server:
        os.close(writer)
        try:
            number = os.read(reader, 16).decode().strip()
            if not number:
                raise CommandFailed("Xvfb does not start.")
            sockets = root.path / "tmp/.X11-unix"
            sockets.mkdir(mode=0o1777, exist_ok=True)
            subprocess.run(["mount", "--bind", "/tmp/.X11-unix", str(sockets)], check=True)
            yield f":{number}"
            subprocess.run(["umount", str(sockets)], check=True)
        finally:
            os.close(reader)
            server.terminate()


def show(root: FreshRoot, program: str, picture: Path) -> tuple[float, int]:
    """Start the window, photograph it, end it. Gives the seconds until it was there, and how many colours the picture has.

    Raises ``CommandFailed`` when no window comes, when the picture is blank, or when it does not end when it is asked to.
    """
    with x_server(root) as display:
        begun = time.monotonic()
        log = picture.with_suffix(".log")
        with log.open("w", encoding="utf-8") as output:
            command = root.user_command(program, DISPLAY=display, QT_QPA_PLATFORM="xcb")
            with subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as process:
                try:
                    window = _wait_for_window(display, process, log)
                    took = time.monotonic() - begun
                    colours = _photograph(display, window, picture)
                    _end(process)
                finally:
                    if process.poll() is None:
                        os.killpg(process.pid, signal.SIGKILL)
    if colours < LEAST_COLOURS:
        raise CommandFailed(f"The window of {program} is blank: {colours} colours in {picture}.")
    return took, colours


def _wait_for_window(display: str, process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + LONGEST_SECONDS
    search = ["xdotool", "search", "--onlyvisible", "--name", TITLE]
    while time.monotonic() < until:
        if process.poll() is not None:
            raise CommandFailed(
                f"The window ended with status {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}"
            )
        said = subprocess.run(search, env={**os.environ, "DISPLAY": display}, capture_output=True, text=True, check=False)
        if said.stdout.split():
            return said.stdout.split()[0]
        time.sleep(0.1)
    raise CommandFailed(f"No window within {LONGEST_SECONDS:.0f} s:\n{log.read_text(errors='replace')[-2000:]}")


def _photograph(display: str, window: str, picture: Path) -> int:
    environment = {**os.environ, "DISPLAY": display}
    until = time.monotonic() + LONGEST_SECONDS
    colours = 0
    while colours < LEAST_COLOURS and time.monotonic() < until:  # mapped before it has painted
        time.sleep(1.0)
        subprocess.run(["import", "-window", window, str(picture)], env=environment, check=True, capture_output=True)
        said = subprocess.run(["identify", "-format", "%k", str(picture)], capture_output=True, text=True, check=True)
        colours = int(said.stdout)
    return colours


def _end(process: subprocess.Popen[bytes]) -> None:
    """As a session manager does."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        raise CommandFailed("The window does not end within 20 s of being asked to (SIGTERM).") from None
