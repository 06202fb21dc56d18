"""When something may be measured: nothing is going on that we know of."""

from __future__ import annotations

from collections.abc import Callable

from engine.session.jobs import Token
from engine.session.state import ClusterState
from engine.vocabulary.remote import RemotePhase

LOOKING_SECONDS = 0.1

_BUSY = (RemotePhase.LOOKING, RemotePhase.COPYING)


def wait_until_quiet(snapshot: Callable[[], ClusterState], token: Token) -> None:
    """No run, and no machine that is looked at or given our build. Raises ``Cancelled``."""
    while not _is_quiet(snapshot()):
        token.wait(LOOKING_SECONDS)


def _is_quiet(state: ClusterState) -> bool:
    return not state.run_wanted and not any(remote.phase in _BUSY for remote in state.remotes)
