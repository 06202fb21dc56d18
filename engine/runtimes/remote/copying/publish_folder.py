"""Gives a finished build on a remote machine its name: one rename, with the lock held, and never over what is not ours."""

from __future__ import annotations

import shlex

from engine.ports import CancelToken
from engine.remote_ports import RemoteShell
from engine.runtimes.manifest import COPIED_MARKER
from engine.runtimes.remote.copying.copy_lock import CopyLock
from engine.runtimes.remote.remote_places import CopyPlaces
from engine.runtimes.remote.shell_script import run_script, text_of

FOREIGN = "foreign"
_STATE = """\
say state
if [ ! -e "$1" ] && [ ! -L "$1" ]; then echo absent; elif [ -f "$1/MARKER" ]; then echo ours; else echo foreign; fi"""
_PUBLISH = """\
lock=$1 holder=$2 made=$3 final=$4 replaced=$5
[ -d "$lock/$holder" ] || return 0
rm -rf "$replaced"
if [ -e "$final" ]; then [ -f "$final/MARKER" ] && mv "$final" "$replaced" || return 0; fi
mv "$made" "$final" && say published && echo yes
rm -rf "$replaced\""""


def folder_state(shell: RemoteShell, folder: str, token: CancelToken) -> str:
    """``absent``, ``ours`` or ``foreign``. Raises ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``."""
    return text_of(run_script(shell, _with_marker(_STATE), (folder,), timeout_seconds=30.0, token=token), "state")


def publish_folder(shell: RemoteShell, lock: CopyLock, made: str, places: CopyPlaces, token: CancelToken) -> bool:
    """Whether ``made`` is ``places.final`` now. Raises ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``."""
    arguments = (*lock.arguments, made, places.final, places.replaced)
    sections = run_script(shell, _with_marker(_PUBLISH), arguments, timeout_seconds=60.0, token=token)
    return text_of(sections, "published") == "yes"


def _with_marker(body: str) -> str:
    return body.replace("MARKER", shlex.quote(COPIED_MARKER))
