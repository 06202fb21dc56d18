"""What a stranger on the network and another user of this machine could get at while a test runs.

The watch reads the kernel's socket tables twenty times a second and asks ``ss`` whose a new socket is: ``ss`` itself twenty
times a second would be a tenth of a core. A socket that lives for less than that is not seen; the lab's own watch
(``tests.lab.network.stranger``) looks at whole machines, where every listener is ours.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

import psutil

LOOK_EVERY_SECONDS = 0.05
MDNS_PORT = 5353
_TABLES = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""With the state of those that wait for somebody: listening; not connected."""
_LOOPBACK = re.compile(r"[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F")
"""127.0.0.0/8, ::1, and the first inside IPv6, as /proc writes them."""
_PID = re.compile(r"pid=(\d+)")


class ListenerWatch:
    """Context manager. ``seen``: what listened where other machines reach it, as ``ss`` says it."""

    def __init__(self, is_ours: Callable[[int], bool]) -> None:
        """``is_ours``: whether a process, by its number, is what the test is about."""
        self.seen: set[str] = set()
        self.looks = 0
        self._is_ours = is_ours
        self._known = set(_waiting_sockets())
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="listener watch")

    def look(self) -> None:
        """Look once."""
        new = set(_waiting_sockets()) - self._known
        if new:
            self._known |= new
            self.seen |= {line for line in _said_by_ss(new) if any(self._is_ours(int(pid)) for pid in _PID.findall(line))}
        self.looks += 1

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_SECONDS):
            self.look()

    def __enter__(self) -> ListenerWatch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self.look()


def _waiting_sockets() -> Iterable[str]:
    """Inodes of sockets that other machines can reach."""
    for table, waits in _TABLES.items():
        try:
            lines = Path("/proc/self/net", table).read_text(encoding="ascii").splitlines()[1:]
        except FileNotFoundError:
            continue  # no IPv6 here
        for line in lines:
            _, local, _, state, *rest = line.split()
            address, _, port = local.partition(":")
            mdns = table.startswith("udp") and int(port, 16) == MDNS_PORT  # machines are looked for with it
            if state == waits and not _LOOPBACK.fullmatch(address) and not mdns:
                yield rest[5]


def _said_by_ss(inodes: set[str]) -> list[str]:
    """Its lines about these sockets."""
    said = subprocess.run(["ss", "-Htulnpe"], capture_output=True, text=True, check=True).stdout
    return [" ".join(line.split()) for line in said.splitlines() if set(re.findall(r"ino:(\d+)", line)) & inodes]


def is_of(pid: int, variable: str, value: str) -> bool:
    """Whether a process is we, descends from us, or was started with this environment variable."""
    try:
        process = psutil.Process(pid)
        above = {pid, *(parent.pid for parent in process.parents())}
        return os.getpid() in above or process.environ().get(variable) == value
    except psutil.Error:
        return False


def open_to_others(folder: Path, *, but: tuple[str, ...] = ()) -> list[str]:
    """``mode path`` of everything at and below a folder that other users may read, write or enter. Links say nothing: what
    they lead to counts. ``but``: names below the folder that are left out."""
    found = []
    for path in [folder, *folder.rglob("*")] if folder.exists() else []:
        relative = path.relative_to(folder)
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & 0o077 and (not relative.parts or relative.parts[0] not in but):
            found.append(f"{stat.S_IMODE(mode):04o} {path}")
    return sorted(found)
