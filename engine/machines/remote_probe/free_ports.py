"""Ports of a remote machine on which a server of ours could listen: many in one round trip.

Nothing reserves them: between the question and the start of a server somebody else may take one (another Crossply that starts
in the same second asks the same question). That start then fails with its own message ("Failed to create server socket"), and
the run is started again on other ports (``session.recovering``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from engine.errors import ProbeFailed
from engine.machines.remote_probe.launch_script import run_program
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell

LOOPBACK = "127.0.0.1"
_LAST_PORT = 65535
_SECONDS = 15.0
_SPARE = 2000
"""So many more ports than are wanted are tried."""


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    """As ``ports_program`` sends it."""

    format: int
    free: list[int]


def free_ports(
    shell: RemoteShell,
    first: int,
    count: int,
    taken: Collection[int] = (),
    *,
    host: str = LOOPBACK,
    token: CancelToken | None = None,
) -> tuple[int, ...]:
    """The first ``count`` ports from ``first`` on that are free on ``host``, an address of that machine, and not in ``taken``.

    Raises ``ProbeFailed`` when there are not so many, ``MachineUnreachable``, ``Cancelled``.
    """
    last = min(_LAST_PORT, first + count + len(taken) + _SPARE)
    tried = [port for port in range(max(1, first), last + 1) if port not in taken]
    free = which_are_free(shell, host, tried, count, token)
    if len(free) < count:
        raise ProbeFailed(
            f"{shell.target.text} has only {len(free)} free ports from {first} on at {host}, and {count} are needed.",
            advice="Stop what listens there, or choose another first port.",
        )
    return free


def which_are_free(
    shell: RemoteShell, host: str, ports: Iterable[int], most: int, token: CancelToken | None = None
) -> tuple[int, ...]:
    """The first ``most`` of ``ports`` (sorted) that are free; none on an address that is not the machine's own."""
    ranges = _ranges(ports)
    if not ranges:
        return ()
    wanted = {port for first, last in ranges for port in range(first, last + 1)}
    words = (f"{first}-{last}" for first, last in ranges)
    answer = run_program(shell, "ports", (host, str(most), *words), timeout_seconds=_SECONDS, token=token)
    try:
        free = msgspec.json.decode(answer, type=_Answer).free
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ProbeFailed(f"{shell.target.text} told nonsense about its free ports.", details=str(error)) from error
    if len(free) > most or not set(free) <= wanted:
        raise ProbeFailed(f"{shell.target.text} told nonsense about its free ports.", details=str(free[:100]))
    return tuple(free)


def _ranges(ports: Iterable[int]) -> list[tuple[int, int]]:
    """(first, last) of every run: thousands of ports fit into a short command."""
    found: list[tuple[int, int]] = []
    for port in ports:
        if found and found[-1][1] == port - 1:
            found[-1] = (found[-1][0], port)
        else:
            found.append((port, port))
    return found
