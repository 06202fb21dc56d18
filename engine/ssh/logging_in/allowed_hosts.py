"""May this machine be logged in to? The administrator's list, held against the name that ssh's configuration leads to.

By that name and not by what was typed: an alias in a person's ssh configuration can lead anywhere.
"""

from __future__ import annotations

import socket

from engine.errors import LoginRefused
from engine.ssh.logging_in.route import Stop
from engine.vocabulary.admin_policy import AdminPolicy


def check_allowed(policy: AdminPolicy, stop: Stop) -> None:
    """Raise ``LoginRefused`` for a machine that is not on the list. Its name is only looked up where there is a list and a
    network of it could decide."""
    host = stop.options.hostname
    if policy.allows(host) or policy.allows(host, _addresses(host)):
        return
    led = "" if host == stop.name else f" ({host})"
    raise LoginRefused(
        f"{stop.name}{led} is not among the machines that the administrator allows in {policy.path}.",
        advice="Choose one of those, or ask for it to be added.",
    )


def _addresses(host: str) -> tuple[str, ...]:
    """What a name leads to; nothing where it is not known here."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
