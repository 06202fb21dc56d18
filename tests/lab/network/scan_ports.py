"""Which TCP ports of a machine accept a connection: ``python scan_ports.py SECONDS ADDRESS PORTS``, PORTS being a JSON list
or ``null`` for all. Prints a JSON list. Standard library only.

A whole connect for each port, in a window of 256 at a time: a raw SYN scan is quicker, and misses ports when answers are
dropped, which would be taken for "closed". Refused ports cost 20 µs each; ports that say nothing cost SECONDS per window, so
a machine that is silent on all of its first 256 ports is taken for absent.
"""

from __future__ import annotations

import errno
import json
import select
import socket
import sys
import time

_WINDOW = 256
_WAITING = (errno.EINPROGRESS, errno.EAGAIN, errno.EALREADY)
_CONNECTED = (0, errno.EISCONN)


def scan(address: str, ports: list[int], seconds: float) -> list[int]:
    """The open ones of ``ports``."""
    found: list[int] = []
    for first in range(0, len(ports), _WINDOW):
        some = ports[first : first + _WINDOW]
        good, silent = scan_window(address, some, seconds)
        found += good
        if first == 0 and silent == len(some):
            break
    return sorted(found)


def scan_window(address: str, ports: list[int], seconds: float) -> tuple[list[int], int]:
    """Open ports, and how many said nothing."""
    found: list[int] = []
    waiting: dict[int, tuple[socket.socket, int]] = {}
    spare: socket.socket | None = None
    for port in ports:
        one = spare or socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        spare = None
        code = connect(one, (address, port))
        if code == errno.ECONNREFUSED:
            spare = one
        elif code in _WAITING:
            waiting[one.fileno()] = (one, port)
        else:
            one.close()
            found += [port] if code in _CONNECTED else []
    if spare is not None:
        spare.close()
    deadline = time.monotonic() + seconds
    while waiting and (left := deadline - time.monotonic()) > 0:
        _, done, _ = select.select([], list(waiting), [], left)
        for number in done:
            one, port = waiting.pop(number)
            found += [port] if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 else []
            one.close()
    for one, _ in waiting.values():
        one.close()
    return found, len(waiting)


def connect(one: socket.socket, to: tuple[str, int]) -> int:
    """Error number. Asked a second time: that is where the kernel says that it was refused, and makes the socket as new
    (asked by SO_ERROR instead, its next connect would be called aborted, and every second port closed)."""
    code = one.connect_ex(to)
    return one.connect_ex(to) if code in _WAITING else code


def main(arguments: list[str]) -> int:
    seconds, address, which = arguments
    print(json.dumps(scan(address, json.loads(which) or list(range(1, 65536)), float(seconds))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
