"""A set of Linux namespaces with a process of ours in them: what hosts, the desk, the stranger and the switch are made of.

Anonymous namespaces, not ``ip netns add``: a named one is a mount that outlives us, an anonymous one ends with the last
process in it, and the process in it ends with us (see :mod:`tests.lab.machines.holder`). After ``kill -9`` of a test nothing
stays. The holder is no child of ours (``setsid --fork``): a test that looks for children it left behind must not find the lab.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

HOLDER = Path(__file__).with_name("holder.py")
OPERATION_SECONDS = 20.0
COMMAND_SECONDS = 20.0
_ENTER = {"net": "--net", "mount": "--mount", "uts": "--uts", "ipc": "--ipc", "pid": "--pid"}
_FILES = {"net": "net", "mount": "mnt", "uts": "uts", "ipc": "ipc", "pid": "pid"}

# of mount(2)
READ_ONLY, NO_SUID, REMOUNT, BIND, MOVE, RECURSIVE = 1, 2, 32, 4096, 8192, 16384


class LabFailed(Exception):
    """The lab could not do what it was told; the text says what, where and why."""


def bind(source: Path | str, target: Path | str) -> list[object]:
    """Operation: the file or folder ``source`` is seen at ``target``, too."""
    return ["mount", str(source), str(target), "", BIND, ""]


def tmpfs(target: Path | str, options: str) -> list[object]:
    """Operation: an empty file system in memory at ``target``."""
    return ["mount", "tmpfs", str(target), "tmpfs", NO_SUID, options]


def own_sys(scratch: Path) -> list[list[object]]:
    """Operations: the /sys of this network namespace (its own interfaces), with the cgroups as everywhere."""
    cgroups = Path("/sys/fs/cgroup")
    keep = [["mount", str(cgroups), f"{scratch}/fs/cgroup", "", BIND | RECURSIVE, ""]] if cgroups.is_dir() else []
    return [
        ["folder", str(scratch), 0o755, 0],
        ["mount", "sysfs", str(scratch), "sysfs", NO_SUID, ""],
        *keep,
        ["mount", str(scratch), "/sys", "", MOVE, ""],
    ]


def no_ipv6() -> list[list[object]]:
    """Operations: this network namespace speaks IPv4 only."""
    folder = Path("/proc/sys/net/ipv6/conf")
    return [["write", f"{folder}/{which}/disable_ipv6", "1"] for which in ("all", "default") if folder.is_dir()]


class Box:
    """Namespaces of the named kinds (``net mount uts ipc pid``), held until :meth:`close` or until this process ends."""

    def __init__(self, name: str, kinds: tuple[str, ...], *, within: Box | None = None) -> None:
        """``within``: the box whose mounts the new one begins with (else those of this process).

        Returns at once; the first :meth:`do` waits for the holder.
        """
        self.name = name
        self.kinds = kinds
        enter = [] if within is None else ["nsenter", f"--mount=/proc/{within.pid}/ns/mnt", "--"]
        pid = ["--pid", "--fork", "--kill-child", "--mount-proc"] if "pid" in kinds else []
        unshare = ["unshare", *(f"--{kind}" for kind in kinds if kind != "pid"), *pid, "--"]
        holder = [sys.executable, "-I", "-S", str(HOLDER)]
        whole = ["setsid", "--fork", "sh", "-c", 'echo $$; exec "$@"', "sh", *enter, *unshare, *holder]
        with subprocess.Popen(whole, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as starter:
            assert starter.stdin is not None
            assert starter.stdout is not None
            self._leash = os.dup(starter.stdin.fileno())
            self._answers = os.dup(starter.stdout.fileno())
        self._unread = b""
        self._outer: int | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """The holder's process id as seen from this process."""
        if self._pid is None:
            self._outer = int(self._line())
            self._tell([])
            inner = psutil.Process(self._outer).children() if "pid" in self.kinds else []
            self._pid = inner[0].pid if inner else self._outer
        return self._pid

    @property
    def processes(self) -> list[int]:
        """What has to end for the box to be gone: the holder, and ``unshare`` before it."""
        pid = self.pid
        return sorted({pid, self._outer or pid})

    def do(self, operations: list[list[object]]) -> None:
        """Operations of :mod:`tests.lab.machines.holder`, done inside."""
        assert self.pid
        self._tell(operations)

    def enter(self, *kinds: str) -> list[str]:
        """What to put before a command so that it runs in these namespaces (all of the box when none are named)."""
        named = kinds or self.kinds
        return ["nsenter", *(f"{_ENTER[kind]}=/proc/{self.pid}/ns/{_FILES[kind]}" for kind in named), "--"]

    def run(self, argv: list[str], *, kinds: tuple[str, ...] = (), typed: str = "", seconds: float = COMMAND_SECONDS) -> str:
        """What a command said that ran inside; LabFailed when its exit status is not 0."""
        return run([*self.enter(*kinds), *argv], typed=typed, seconds=seconds, where=self.name)

    def ip(self, lines: list[str]) -> None:
        """``ip -batch`` in the network namespace."""
        self.run(["ip", "-batch", "-"], kinds=("net",), typed="\n".join(lines) + "\n")

    def root(self, path: str) -> Path:
        """Where ``path`` of the box is seen from outside."""
        return Path(f"/proc/{self.pid}/root", path.lstrip("/"))

    def kill(self) -> None:
        """End the holder at once; with a PID namespace everything in it ends too. Waits for it."""
        for pid in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Let go of the leash and wait until the holder is gone. May be called twice."""
        if self._leash < 0:
            return
        try:
            waiting_for = self.processes
        except LabFailed:
            waiting_for = []  # it never came up
        os.close(self._leash)
        os.close(self._answers)
        self._leash = self._answers = -1
        wait_until_gone(waiting_for)

    def _tell(self, operations: list[list[object]]) -> None:
        try:
            os.write(self._leash, json.dumps(operations).encode() + b"\n")
        except OSError as problem:
            raise LabFailed(f"{self.name} of the lab does not listen any more: {problem}") from problem
        answer = self._line()
        if answer != "ok":
            raise LabFailed(f"{self.name} of the lab: {answer}")

    def _line(self) -> str:
        deadline = time.monotonic() + OPERATION_SECONDS
        while b"\n" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            got = os.read(self._answers, 65536) if ready else b""
            if not got:
                why = "ended" if ready else f"did not answer within {OPERATION_SECONDS:g} s"
                raise LabFailed(f"{self.name} of the lab {why}; see what it wrote above.")
            self._unread += got
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()


def run(argv: list[str], *, typed: str = "", seconds: float = COMMAND_SECONDS, where: str = "the lab") -> str:
    """What a command said; LabFailed with its words when it fails."""
    done = subprocess.run(argv, input=typed, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode != 0:
        raise LabFailed(
            f"{where}: {' '.join(argv)} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout


def is_gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody has buried yet has)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(pids: list[int], seconds: float = 10.0) -> None:
    """LabFailed when one of them is still there after ``seconds``."""
    deadline = time.monotonic() + seconds
    while left := [pid for pid in pids if not is_gone(pid)]:
        if time.monotonic() > deadline:
            raise LabFailed(f"processes {left} of the lab do not end")
        time.sleep(0.002)
