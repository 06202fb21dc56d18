"""How fast a machine can be reached, measured over the connection that we have: the round trip, and bytes per second to it.

Bytes are sent to a ``cat`` for a quarter of a second, in pieces, and counted when it has taken them all; three times, and the
best counts, because whatever else goes on can only make a link look slower. What comes out is what this connection carries
(paramiko: up to about 200 MB/s), so links faster than that show as that; a 1 Gbit/s link (117 MB/s) is measured as it is.
Rejected: ``iperf3`` (nothing is installed for us there), and timing the copy of the build (not everybody needs one).
"""

from __future__ import annotations

import os
import time

from engine.ports import CancelToken
from engine.remote_ports import RemoteShell, RemoteStream
from engine.vocabulary.worker import Link

PIECE_BYTES = 256 * 1024
LONGEST_SECONDS = 0.25
BURSTS = 3
FEWEST_BYTES = 1024 * 1024
"""Less says nothing: it fits into buffers."""


def measure_link(shell: RemoteShell, token: CancelToken) -> Link:
    """Raises ``MachineUnreachable``, ``Cancelled``."""
    round_trip = shell.round_trip_seconds()
    rates = [_burst(shell, token) for _ in range(BURSTS)]
    return Link(rtt_seconds=round_trip, bytes_per_second=max((rate for rate in rates if rate), default=None))


def _burst(shell: RemoteShell, token: CancelToken) -> float | None:
    stream = shell.open("exec cat >/dev/null")
    try:
        return _rate(stream, token)
    finally:
        stream.close()


def _rate(stream: RemoteStream, token: CancelToken) -> float | None:
    piece = os.urandom(PIECE_BYTES)  # a compressing connection must not look fast
    began = time.monotonic()
    sent = 0
    while time.monotonic() - began < LONGEST_SECONDS:
        token.check()
        stream.send(piece)
        sent += len(piece)
    stream.close_input()
    ended = stream.exit_code(5.0)
    seconds = time.monotonic() - began
    return sent / seconds if ended == 0 and sent >= FEWEST_BYTES else None
