"""The host key that an ssh server shows to anybody, without logging in: to tell whether two addresses are one machine.

It proves nothing (nobody is asked for a signature over a known key) and it is not kept; a login checks it again.
"""

from __future__ import annotations

import socket

from engine.errors import MachineUnreachable
from engine.ssh.connection import Connection
from engine.ssh.host_keys.known_hosts import fingerprint_of

CONNECT_SECONDS = 1.0
HANDSHAKE_SECONDS = 3.0
ASKED_FIRST = ("ssh-ed25519",)
"""One type for all: a machine with several keys must show the same one under each of its addresses."""


def shown_fingerprint(address: str, port: int) -> str | None:
    """``SHA256:...``, or ``None`` when it shows none within 4 s."""
    try:
        stream = socket.create_connection((address, port), CONNECT_SECONDS)
    except OSError:
        return None
    connection = Connection(stream, address)
    try:
        _key_type, key = connection.shake_hands(ASKED_FIRST, HANDSHAKE_SECONDS)
    except MachineUnreachable:
        return None
    finally:
        connection.close()
    return fingerprint_of(key)
