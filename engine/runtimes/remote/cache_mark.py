"""Whose load is under way into the weight cache of a remote machine's workers: the mark of ``worker_cache``, there.

The same rules as on this machine, in shell: one Crossply at a time loads into a cache; a mark whose load did not come to its
end is taken over once it is a minute old and no program runs there with that cache, and what was not whole before goes.
"""

from __future__ import annotations

from engine.remote_ports import RemoteShell
from engine.runtimes.remote.copying.copy_lock import this_holder
from engine.runtimes.remote.remote_places import checked_folder
from engine.runtimes.remote.shell_script import run_script, text_of
from engine.runtimes.worker_cache import LOADING, TAKEN

_SECONDS = 120.0
# Only names that rpc-server gives are deleted: one with a line end in it must not become another path.
_BEGIN = """\
mkdir -p "$1" && cd "$1" || return 0
holder=
if [ -e MARK ]; then holder=$(head -n 1 MARK); fi
if [ -e MARK ] && [ "$holder" != "$2" ]; then
    if [ -n "$(find MARK -mmin -1)" ]; then say state; echo taken; return 0; fi
    if cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -qxF -e "LLAMA_CACHE=$1"; then
        say state; echo taken; return 0
    fi
fi
if [ -e MARK ]; then
    find . -type f ! -name 'MARK*' ! -name '*[!A-Za-z0-9._-]*' | grep -vxF -f MARK | while IFS= read -r file; do
        case $file in ./*) rm -f "$file" || say stays;; esac
    done
    rm -f MARK
fi
# O_EXCL: of two that are here at this instant one has it
if (set -C; : >MARK) 2>/dev/null; then
    if { printf '%s\\n' "$2" && find . -type f ! -name 'MARK*'; } >MARK; then say state; echo begun; else rm -f MARK; fi
elif [ -e MARK ]; then say state; echo taken; fi""".replace("MARK", LOADING)
_END = """\
if [ "$(head -n 1 "$1/MARK" 2>/dev/null)" = "$2" ]; then rm -f "$1/MARK"; fi""".replace("MARK", LOADING)


def begin_load(shell: RemoteShell, cache_folder: str, *, holder: str | None = None) -> str | None:
    """Make the folder, be the one who loads into it, and delete what an unfinished load wrote. ``None`` when that is so, else
    why the cache must not be used this time. Raises ``ProbeFailed``, ``MachineUnreachable``."""
    arguments = (checked_folder(cache_folder), holder or this_holder())
    sections = run_script(shell, _BEGIN, arguments, timeout_seconds=_SECONDS)
    state = "stays" if any(section.key == "stays" for section in sections) else text_of(sections, "state")
    if state == "begun":
        return None
    return TAKEN if state == "taken" else f"{cache_folder} cannot be written there"


def end_load(shell: RemoteShell, cache_folder: str, *, holder: str | None = None) -> None:
    """The load came to its end: what it wrote is whole. Raises ``ProbeFailed``, ``MachineUnreachable``."""
    run_script(shell, _END, (checked_folder(cache_folder), holder or this_holder()), timeout_seconds=_SECONDS)
