"""Takes away what we put on a remote machine, and keeps the weight cache of its workers within its size.

Only what is surely ours goes: folders of programs with our marker, copies that never arrived whole, the records of kept
workers, the cache of remote workers; the data folder itself when nothing else is left in it. No link is followed.
"""

from __future__ import annotations

import shlex

from engine.errors import RemoteFileProblem
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell
from engine.runtimes.manifest import COPIED_MARKER
from engine.runtimes.remote.remote_places import INCOMING, KEPT_RECORDS, REPLACED, RUNTIMES, checked_folder
from engine.runtimes.remote.shell_script import machine_name, run_script, text_of
from engine.runtimes.worker_cache import cap_bytes

_REMOVE_SECONDS = 120.0
_PRUNE_SECONDS = 120.0
_REMOVE = """\
data=$1 cache=$2
for build in "$data"/RUNTIMES/*/ "$data"/RUNTIMES/INCOMING*/ "$data"/RUNTIMES/REPLACED*/; do
    build=${build%/}
    if [ -L "$build" ] || [ ! -d "$build" ]; then continue; fi
    case ${build##*/} in INCOMING*|REPLACED*) ;; *) [ -f "$build/MARKER" ] || continue;; esac
    rm -rf "$build" || say failed
done
for folder in "$data/KEPT" "$cache"; do
    if [ -d "$folder" ] && [ ! -L "$folder" ]; then rm -rf "$folder" || say failed; fi
done
rmdir "$data/RUNTIMES" 2>/dev/null
rmdir "$data" 2>/dev/null
rmdir "${cache%/*}" 2>/dev/null
say removed"""
_MEASURE = """\
[ -d "$1" ] && cd "$1" || return 0
say cached; find . -type f ! -name '.loading*' -exec ls -ln {} + | awk '{ total += $5 } END { printf "%.0f\\n", total }'
say free; df -Pk . | awk 'END { printf "%.0f\\n", $(NF - 2) * 1024 }'"""
_PRUNE = """\
[ -d "$1" ] && cd "$1" || return 0
find . -type f ! -name '.loading*' ! -name '*[!A-Za-z0-9._-]*' -exec ls -ltun {} + |
awk -v cap="$2" '{ total += $5; if (total > cap) print $NF }' |
while read -r file; do rm -f "$file"; done
say left; find . -type f ! -name '.loading*' -exec ls -ln {} + | awk '{ total += $5 } END { printf "%.0f\\n", total }'"""


def remove_ours(shell: RemoteShell, data_folder: str, cache_folder: str, token: CancelToken | None = None) -> None:
    """Delete everything that we put there; what runs from it must have been stopped. Fine when there is nothing.

    Raises ``RemoteFileProblem`` when something could not be deleted, ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``.
    """
    body = _REMOVE
    for name, value in (
        ("RUNTIMES", RUNTIMES),
        ("INCOMING", INCOMING),
        ("REPLACED", REPLACED),
        ("MARKER", COPIED_MARKER),
        ("KEPT", KEPT_RECORDS),
    ):
        body = body.replace(name, shlex.quote(value))
    arguments = (checked_folder(data_folder), checked_folder(cache_folder))
    sections = run_script(shell, body, arguments, timeout_seconds=_REMOVE_SECONDS, token=token)
    if any(section.key == "failed" for section in sections) or not sections:
        raise RemoteFileProblem(
            f"Not all of our files on {machine_name(shell)} could be deleted.",
            advice=f"See {data_folder} and {cache_folder} there.",
        )


def free_bytes_in(said: bytes) -> int | None:
    """What ``df -Pk`` says of one folder (POSIX: the fourth word of the last line is the free KiB); ``None`` = nonsense."""
    words = said.decode("utf-8", errors="replace").strip().rpartition("\n")[2].split()
    free = words[3] if len(words) >= 6 else ""
    return int(free) * 1024 if free.isascii() and free.isdecimal() and len(free) < 16 else None


def prune_worker_cache(
    shell: RemoteShell, cache_folder: str, limit_bytes: int | None = None, token: CancelToken | None = None
) -> int:
    """Delete what was used longest ago until the cache there is within ``limit_bytes`` (by default as on this machine, by the
    free space of its disk). Returns the bytes that are left; 0 when there is no cache.

    Raises ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``.
    """
    folder = checked_folder(cache_folder)
    if limit_bytes is None:
        measured = run_script(shell, _MEASURE, (folder,), timeout_seconds=_PRUNE_SECONDS, token=token)
        limit_bytes = cap_bytes(_number(text_of(measured, "free")), _number(text_of(measured, "cached")))
    pruned = run_script(shell, _PRUNE, (folder, str(limit_bytes)), timeout_seconds=_PRUNE_SECONDS, token=token)
    return _number(text_of(pruned, "left"))


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) <= 18 else 0
