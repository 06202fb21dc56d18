"""The leash on POSIX systems (tested on Linux, the same calls exist on macOS): a process group led by a guardian.

The guardian is a ``/bin/sh`` of five lines that reads a pipe to which nobody writes. We hold the only other end, so the kernel
closes it when we end, in whatever way; then the guardian terminates its group, waits a second and kills it. The program is
started *into that group* by the same fork that makes it, so there is no moment in which it exists without its leash, and it
stays our own direct child: its pid is its own and its exit status is the system's.

While the guardian has not been waited for, its pid, and so the group's number, cannot be given to anybody else: signalling
the group never hits a stranger.

Rejected:

- ``PR_SET_PDEATHSIG``: Linux only; bound to the *thread* that started the program (a job thread that ends would kill the
  worker); reaches only the direct child; needs code between fork and exec, which is unsafe in a process with threads.
- A wrapper ``sh`` around the program (the design's remote leash): the shell turns "killed by signal 9" into "status 137",
  prints "Segmentation fault" into the program's output, and has to tell the program's pid over a further channel.
- One guardian for all programs, told their groups: a ``kill -9`` between a program's start and its registration leaves it.
- A guardian in Python: a frozen application has no interpreter to start.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from threading import Lock

assert sys.platform != "win32"  # noqa: S101 - tells the type checker that the rest is not for other systems

GRACE_SECONDS = 1
"""What a program gets between TERM and KILL when we have died. rpc-server ends at once."""

_GUARDIAN = f"""
trap '' TERM INT HUP QUIT
while read -r line; do :; done
kill -TERM 0
sleep {GRACE_SECONDS}
kill -KILL 0
"""


class PosixLeash:
    """A process group with a guardian in it."""

    def __init__(self) -> None:
        reader, self._pipe = os.pipe()
        try:
            self._guardian = os.posix_spawn(
                "/bin/sh",
                ["sh", "-c", _GUARDIAN],
                {"PATH": os.defpath},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, reader, 0),
                    # Not ours: else somebody who reads our output would wait for the guardian.
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setpgroup=0,
                # TERM to the group is not for the guardian. The trap alone would come a moment late; the block alone does
                # not last (dash 0.5.12 clears its mask after it has waited for a command).
                setsigmask=(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT),
            )
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(reader)
        self._lock = Lock()
        self._let_go = False

    @property
    def process_group(self) -> int | None:
        """The guardian's group."""
        return self._guardian

    @property
    def creation_flags(self) -> int:
        """None on POSIX."""
        return 0

    def hold(self, pid: int) -> None:
        """Nothing to do: the program was born in the group."""

    def ask(self, pid: int) -> None:
        """SIGTERM to the program alone."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            # The waiter lets go right after it has read the exit status, which is what frees the number.
            if not self._let_go:
                os.kill(pid, signal.SIGTERM)

    def terminate(self) -> None:
        """SIGTERM to the group; the guardian ignores it."""
        self._signal_group(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group, the guardian included."""
        self._signal_group(signal.SIGKILL)

    def let_go(self) -> None:
        """Kill what is left of the group and collect the guardian."""
        with self._lock:
            if self._let_go:
                return
            self._let_go = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._guardian, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._guardian, 0)
            os.close(self._pipe)

    def _signal_group(self, number: signal.Signals) -> None:
        # macOS answers EPERM for a group in which only zombies are left.
        with self._lock, contextlib.suppress(ProcessLookupError, PermissionError):
            if not self._let_go:
                os.killpg(self._guardian, number)
