"""A remote machine's load, every 2 s: one running program there, read by a thread here.

The thread is needed because a read of the connection has no deadline; closing the stream ends it. Samples are handed out on
the caller's thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread

from engine.errors import MachineUnreachable, ProbeFailed
from engine.machines.remote_probe.launch_script import COMMAND, launch_script, new_nonce
from engine.machines.remote_probe.sent.load_lines import MOST_LINE_BYTES, LoadLines
from engine.machines.remote_probe.sent.sent_text import SenselessError
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell, RemoteStream
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.remote import SshTarget

EVERY_SECONDS = 2
SILENT_SECONDS = 20.0
"""Without a line for so long a machine is not reachable. A machine that swaps may be late by several seconds."""
UNHEARD_SECONDS = 20
"""For as long as that the program there goes on without an answer to its lines; then it ends by itself."""
_LOOK_AROUND_SECONDS = 0.25
HEARD = b"\n"
_MOST_WAITING = 64
_JOIN_SECONDS = 5.0
_EXIT_SECONDS = 1.0

_Timed = tuple[float, bytes]


def watch_load(
    shell: RemoteShell,
    machine: Machine,
    has_python: bool,
    on_load: Callable[[MachineLoad], None],
    token: CancelToken,
    *,
    now_seconds: Callable[[], float] = time.monotonic,
) -> None:
    """Call ``on_load`` with a sample every 2 s, stamped with our monotonic clock at its arrival, until cancelled.

    Raises ``Cancelled``, ``MachineUnreachable`` when the connection is lost or silent, ``ProbeFailed`` for nonsense.
    """
    mark = new_nonce()
    stream = shell.open(COMMAND)
    try:
        stream.send(launch_script("load", (mark, str(EVERY_SECONDS), str(UNHEARD_SECONDS)), with_python=has_python))
        reader = _Reader(stream, mark.encode(), now_seconds)
    except BaseException:
        stream.close()
        raise
    try:
        _hand_out(reader, LoadLines(machine), shell.target, on_load, token, now_seconds)
        raise _ended(stream, shell.target)
    finally:
        stream.close()
        reader.join(_JOIN_SECONDS)


class _Reader(Thread):
    """Cuts what arrives into lines, with the time of each, and answers each: the program there must know that it is heard,
    for a pulled cable tells it nothing. Ends with the stream."""

    def __init__(self, stream: RemoteStream, mark: bytes, now_seconds: Callable[[], float]) -> None:
        super().__init__(name="load of a remote machine", daemon=True)
        self.lines: Queue[_Timed] = Queue(_MOST_WAITING)
        self._stream = stream
        self._mark = mark
        self._now = now_seconds
        self.start()

    def run(self) -> None:
        """Until there is no more. What does not begin with the mark was printed by others; an endless line is cut off."""
        rest = b""
        while piece := self._stream.read(MOST_LINE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            rest = rest[-MOST_LINE_BYTES:]
            for line in lines:
                if line.startswith(self._mark):
                    with suppress(Full):  # nobody takes them: the newest ones are dropped
                        self.lines.put_nowait((self._now(), line[len(self._mark) :]))
                    with suppress(MachineUnreachable):  # what it said before is read to its end
                        self._stream.send(HEARD)


def _hand_out(
    reader: _Reader,
    lines: LoadLines,
    target: SshTarget,
    on_load: Callable[[MachineLoad], None],
    token: CancelToken,
    now_seconds: Callable[[], float],
) -> None:
    heard = now_seconds()
    while True:
        token.check()
        alive = reader.is_alive()
        try:
            arrived, line = reader.lines.get(block=alive, timeout=_LOOK_AROUND_SECONDS)
        except Empty:
            if not alive:
                return
            if now_seconds() - heard > SILENT_SECONDS:
                raise _unreachable(target, f"has said nothing about its load for {SILENT_SECONDS:.0f} s") from None
            continue
        heard = arrived
        try:
            load = lines.read(line, arrived)
        except SenselessError as error:
            raise ProbeFailed(f"{target.text} told something about its load that cannot be: {error}.") from error
        on_load(load)


def _ended(stream: RemoteStream, target: SshTarget) -> Exception:
    code = stream.exit_code(_EXIT_SECONDS)
    if code is None:
        return _unreachable(target, "is not connected any more")
    return ProbeFailed(f"{target.text} has stopped telling its load (status {code}).", advice="It needs a POSIX shell (sh).")


def _unreachable(target: SshTarget, why: str) -> MachineUnreachable:
    return MachineUnreachable(f"{target.text} {why}.", advice="Check that it is on and connected.")
