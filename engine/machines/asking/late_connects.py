"""Connects through a remote machine that nobody waits for any longer, but that are closed when they come about.

An SSH server cannot be told to give up a connect. When the accept queue of a busy rpc-server is full, the server's connect
hangs, and succeeds as soon as the coordinator leaves. If by then the channel is forgotten here (paramiko forgets it at its
time-out), nobody ever closes it: an empty connection that the rpc-server serves for ever, so our question would have made it
useless. Therefore the connect goes on in a thread of its own, and what comes too late is closed.

Rejected: waiting for a connect that is still under way instead of starting another: the kernel tries again after 1, 2, 4 ...
64 seconds only, and for so long an idle server would be called busy.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread

from engine.remote_ports import PortConnection

PATIENCE_SECONDS = 600.0
"""Longer than any SSH server's own connect takes (Linux gives up after 130 s)."""
MOST_UNDER_WAY = 32


class LateConnects:
    """Connects with a deadline, from any thread."""

    def __init__(self, connect: Callable[[str, int, float], PortConnection], most_under_way: int = MOST_UNDER_WAY) -> None:
        self._connect = connect
        self._places = BoundedSemaphore(most_under_way)

    def connect(self, host: str, port: int, timeout_seconds: float) -> PortConnection:
        """Raises ``TimeoutError``, also when too many are under way; and what the connect raises."""
        if not self._places.acquire(timeout=timeout_seconds):
            raise TimeoutError(f"too many connects to {host}:{port} are still under way")
        future: Future[PortConnection] = Future()
        Thread(target=self._work, args=(future, host, port), name=f"connect to {host}:{port}", daemon=True).start()
        try:
            return future.result(timeout_seconds)
        except TimeoutError:
            future.add_done_callback(_close)
            raise

    def _work(self, future: Future[PortConnection], host: str, port: int) -> None:
        try:
            connection = self._connect(host, port, PATIENCE_SECONDS)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            self._places.release()
            future.set_exception(error)
        else:
            self._places.release()
            future.set_result(connection)


def _close(future: Future[PortConnection]) -> None:
    if future.exception() is None:
        future.result().close()
