"""What a person types to name a machine, ``user@host:port``, as an ``SshTarget``. Pure.

Characters that a shell would act on are refused in both parts, as OpenSSH itself does since 9.6: a ``ProxyCommand`` of
somebody's configuration puts ``%h`` and ``%r`` into a shell's command line (CVE-2023-51385). Nothing may begin with ``-``: it
would be read as an option. Rejected: ``ssh://`` addresses, a second way to say the same.
"""

from __future__ import annotations

from engine.errors import BadInput
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.remote import SshTarget

_NOT_IN_HOSTS = frozenset("'`\"$\\;&<>|(){}/@,")
_NOT_IN_USERS = frozenset("'`\";&<>|(){}/:,")
_LONGEST = 255
"""Of a host name in DNS; no user name is longer."""

_ADVICE = "Write it as user@host or user@host:port."


def parse_target(text: str) -> SshTarget:
    """``host``, ``user@host``, ``user@host:22``, ``[fe80::1%eth0]:22``, ``::1``. Raises ``BadInput``."""
    text = text.strip()
    user, at, place = text.rpartition("@")
    host, port = _host_and_port(place, text)
    _check(host, _NOT_IN_HOSTS, "host", text)
    if at:
        _check(user, _NOT_IN_USERS, "user", text)
    return _not_this_machine(SshTarget(host=host, user=user or None, port=port))


def checked_target(target: SshTarget) -> SshTarget:
    """The same target, held to the same rules: for one that was read from a file. Raises ``BadInput``."""
    _check(target.host, _NOT_IN_HOSTS, "host", target.text)
    if target.user is not None:
        _check(target.user, _NOT_IN_USERS, "user", target.text)
    if target.port is not None and not 0 < target.port < 65536:
        raise _bad_port(target.text)
    return _not_this_machine(target)


def _not_this_machine(target: SshTarget) -> SshTarget:
    """Two machines of one id would be mixed up."""
    if target.machine_id == THIS_MACHINE:
        raise BadInput(
            f"'{THIS_MACHINE}' is what Crossply calls the machine it runs on.", advice="Write user@ in front of it."
        )
    return target


def _host_and_port(place: str, text: str) -> tuple[str, int | None]:
    if place.startswith("["):
        host, closed, rest = place[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")) or ":" not in host:
            raise BadInput(f"{text!r} has brackets that hold no IPv6 address.", advice="Write it as [fe80::1]:22.")
        return host, _port(rest[1:], text) if rest else None
    host, colon, port = place.partition(":")
    if ":" in port:  # an IPv6 address without brackets: all of it
        return place, None
    return host, _port(port, text) if colon else None


def _port(digits: str, text: str) -> int:
    port = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 5 else 0
    if not 0 < port < 65536:
        raise _bad_port(text)
    return port


def _bad_port(text: str) -> BadInput:
    return BadInput(f"{text!r} has a port that is not between 1 and 65535.", advice=_ADVICE)


def _check(part: str, refused: frozenset[str], what: str, text: str) -> None:
    if not part:
        raise BadInput(f"{text!r} has no {what}.", advice=_ADVICE)
    if part.startswith("-"):
        raise BadInput(f"{text!r} has a {what} that begins with '-'.", advice=_ADVICE)
    if len(part) > _LONGEST:
        raise BadInput(f"The {what} in {text[:40]!r}... is longer than {_LONGEST} characters.", advice=_ADVICE)
    if not part.isprintable() or any(character.isspace() or character in refused for character in part):
        raise BadInput(f"{text!r} has a {what} with a space or a character that no {what} has.", advice=_ADVICE)
