"""Only one Crossply at a time copies a build to a machine: a lock folder there, taken with ``mkdir``, which is atomic
everywhere.

In it is a folder with the name of the holder, so that a holder which slept too long (a laptop that was shut) sees that it has
lost the lock, and so that the same window has its own lock again at once after its connection was cut. The holder touches it
while it works; two minutes untouched by the machine's own clock is an abandoned lock. A keeper, a shell there that waits for
the end of its input, takes it away at once when the connection ends, so that a holder which was killed keeps nobody waiting.
Rejected: a folder per attempt (a cut copy could not be resumed), ``flock`` (not on macOS), and that keeper alone (it outlives
a cut cable by hours).
"""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from engine.errors import ProbeFailed, RemoteProblem, RuntimeUnavailable
from engine.ports import CancelToken
from engine.remote_ports import Progress, RemoteShell, RemoteStream
from engine.runtimes.remote.shell_script import machine_name, run_script, text_of

_SECONDS = 30.0
_TOUCH_SECONDS = 15.0
_WAIT_SECONDS = 2.0
_TRIES = 300
_TAKE = """\
if [ -d "$1/$2" ]; then touch "$1"; say held; echo yes; return 0; fi
if ! mkdir "$1" 2>/dev/null; then
    if [ -n "$(find "$1" -prune -mmin +2 2>/dev/null)" ] && mv "$1" "$1.$2" 2>/dev/null; then rm -rf "$1.$2"; fi
    mkdir "$1" 2>/dev/null || { [ -d "$1" ] && { say held; echo busy; }; return 0; }
fi
mkdir "$1/$2" && say held && echo yes"""
_TOUCH = 'say held; [ -d "$1/$2" ] && touch "$1" && echo yes'
_KEEPER = "keeper"
_RELEASE = f'rm -f "$1/$2/{_KEEPER}"; rmdir "$1/$2" 2>/dev/null && rmdir "$1"'
# It writes down who it is: the keeper of a connection that was cut must not take away what its holder has taken again.
_KEEP = f"""\
trap "" HUP PIPE
{{ echo $$ >"$1/$2/{_KEEPER}"; }} 2>/dev/null
cat >/dev/null
[ "$(cat "$1/$2/{_KEEPER}" 2>/dev/null)" = $$ ] || exit 0
{_RELEASE}"""


class CopyLock:
    """A lock that is held."""

    def __init__(self, shell: RemoteShell, path: str, holder: str) -> None:
        self._shell = shell
        self._path = path
        self._holder = holder
        self._touched_at = time.monotonic()

    @property
    def arguments(self) -> tuple[str, str]:
        """For a script that must check that it is held: ``[ -d "$1/$2" ]``."""
        return (self._path, self._holder)

    def keep(self) -> None:
        """Call often: says there that we are still at work, every 15 s. Raises ``RuntimeUnavailable`` when it was lost."""
        if time.monotonic() - self._touched_at < _TOUCH_SECONDS:
            return
        self._touched_at = time.monotonic()
        if text_of(run_script(self._shell, _TOUCH, self.arguments, timeout_seconds=_SECONDS), "held") != "yes":
            raise RuntimeUnavailable(
                f"Another Crossply has taken over copying to {machine_name(self._shell)}.", advice="Look again in a minute."
            )

    def start_keeper(self) -> RemoteStream | None:
        """It lets go when the stream is closed, by whatever. ``None`` = there is none; then two minutes have to pass."""
        with suppress(RemoteProblem):
            return self._shell.open("exec " + shlex.join(("sh", "-c", _KEEP, "sh", *self.arguments)))
        return None

    def release(self) -> None:
        """When the connection is gone the keeper lets go, or it is found abandoned in two minutes."""
        with suppress(RemoteProblem):
            run_script(self._shell, _RELEASE, self.arguments, timeout_seconds=_SECONDS)


def this_holder() -> str:
    """Stays the same as long as this process lives."""
    return hashlib.sha256(f"{socket.gethostname()}:{os.getpid()}".encode()).hexdigest()[:16]


@contextmanager
def only_one_copies(
    shell: RemoteShell, path: str, progress: Progress, token: CancelToken, *, holder: str | None = None
) -> Iterator[CopyLock]:
    """Hold the lock ``path`` (its folder must exist). Waits at most 10 minutes for another holder.

    Raises ``RuntimeUnavailable``, ``ProbeFailed`` (the folder cannot be written), ``MachineUnreachable``, ``Cancelled``.
    """
    lock = CopyLock(shell, path, holder or this_holder())
    _take(shell, lock, progress, token)
    keeper = lock.start_keeper()
    try:
        yield lock
    finally:
        lock.release()
        if keeper is not None:
            keeper.close()


def _take(shell: RemoteShell, lock: CopyLock, progress: Progress, token: CancelToken) -> None:
    where = machine_name(shell)
    for _ in range(_TRIES):
        state = text_of(run_script(shell, _TAKE, lock.arguments, timeout_seconds=_SECONDS, token=token), "held")
        if state == "yes":
            return
        if state != "busy":
            raise ProbeFailed(f"Nothing can be written to {lock.arguments[0].rpartition('/')[0]} on {where}.")
        progress(None, f"waiting: another Crossply copies this build to {where}")
        token.wait(_WAIT_SECONDS)
    raise RuntimeUnavailable(f"Another Crossply has been copying to {where} for 10 minutes.", advice="Try again later.")
