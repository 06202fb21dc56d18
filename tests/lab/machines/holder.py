"""The first process of a machine of the lab: it lives in the machine's namespaces, and they live as long as it does.

Run by :mod:`tests.lab.machines.box` as ``python -I -S holder.py``. Its stdin is a leash: at end of file (the lab was closed,
or the test that owned it died, even by ``kill -9``) it ends, and with it, as process 1 of a PID namespace, all that ran there.
Until then it does what it is told, a JSON list of operations a line, and answers each line with ``ok`` or ``error: ...``:
mounts have to be made from inside. It stays in memory: what it needs is imported before anything is hidden from it.

A shell with a list of ``mount`` commands was tried: no answer which one failed, and forty processes instead of one.
Standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_DEAD_ENDS: dict[int, socket.socket] = {}


def mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    """mount(2)."""
    arguments = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode() or None)
    if _LIBC.mount(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {source} on {target}: {os.strerror(code)}")


def unmount(target: str) -> None:
    """umount2(2), lazily: nobody is asked to leave."""
    if _LIBC.umount2(target.encode(), 2) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"unmount {target}: {os.strerror(code)}")


def folder(path: str, mode: int, owner: int) -> None:
    """Make a folder with exactly this mode and owner."""
    Path(path).mkdir(parents=True, exist_ok=True)
    Path(path).chmod(mode)
    os.chown(path, owner, owner)


def write(path: str, text: str) -> None:
    """Write a small file (also one of /proc/sys)."""
    Path(path).write_text(text, encoding="utf-8")


def hostname(name: str) -> None:
    """Name the machine."""
    socket.sethostname(name)


def link_all_but(source: str, target: str, word: str) -> None:
    """Fill the folder ``target`` with links to all that ``source`` has, but for names that begin with ``word``."""
    for program in Path(source).iterdir():
        if not program.name.startswith(word):
            Path(target, program.name).symlink_to(program)


def dead_end(port: int) -> None:
    """Take connections on ``port`` and never say a word."""
    listener = socket.create_server(("0.0.0.0", port), backlog=64)
    _DEAD_ENDS[port] = listener
    threading.Thread(target=_take_all, args=(listener,), daemon=True).start()


def no_dead_end(port: int) -> None:
    """Close the listener of :func:`dead_end`; whoever is connected stays so."""
    listener = _DEAD_ENDS.pop(port)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _take_all(listener: socket.socket) -> None:
    taken = []
    while True:
        try:
            taken.append(listener.accept()[0])
        except OSError:
            break
    threading.Event().wait()  # holds on to `taken`


OPERATIONS = {done.__name__: done for done in (mount, unmount, folder, write, hostname, link_all_but, dead_end, no_dead_end)}


def _answer(line: str) -> str:
    for name, *arguments in json.loads(line):
        try:
            OPERATIONS[name](*arguments)
        except OSError as problem:
            return f"error: {name} {arguments}: {problem}"
    return "ok"


def main() -> int:
    if os.getpid() == 1:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the orphans
    for line in sys.stdin:
        print(_answer(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
