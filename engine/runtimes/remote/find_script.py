"""The shell program that looks for llama.cpp's programs on a remote machine and runs them: at most 8 builds, ours first.

The same places and the same order as on this machine (``find_runtimes``). Every program has 20 s and 16 to 64 KiB to answer;
after a minute in all no further build is looked at. Nothing is written there.
"""

from __future__ import annotations

import shlex

from engine.runtimes.find_runtimes import BELOW, INSTALLED, RPC_SERVER_NAMES, USUAL_ANYWHERE, USUAL_BELOW_HOME
from engine.runtimes.manifest import COPIED_MARKER, MANIFEST_NAME

MOST_BUILDS = 8
PROGRAM_SECONDS = 20
LONGEST_SECONDS = 60 + 3 * PROGRAM_SECONDS + 30
"""A minute, the last build's three programs, and some time for the listing."""
PROGRAMS = ("llama-server", "llama-bench", "llama-fit-params")
OWN, PACKAGED, PATH, USUAL = "own", "packaged", "path", "usual"

_SCRIPT = """\
now() { if read -r up rest 2>/dev/null </proc/uptime; then printf '%s' "${up%.*}"; else date +%s; fi; } # not the wall clock
data=$1 first=$2 count=0 seen=: start=$(now)
real_folder() {
    file=$(readlink -f "$1" 2>/dev/null) || file=
    real=${file%/*}
    if [ -n "$real" ] && [ -x "$real/${1##*/}" ]; then printf '%s' "$real"; else (cd "${1%/*}" && pwd -P); fi
}
ask() { most=$1; shift; limited SECONDS "$@" | head -c "$most"; }
tell() { # kind, top, rpc-server
    say kind; printf '%s\\n' "$1"
    say top; printf '%s\\n' "$2"
    say folder; printf '%s\\n' "$folder"
    say program; printf '%s\\n' "${3##*/}"
    say beside
    for name in PROGRAMS; do [ -f "$folder/$name" ] && [ -x "$folder/$name" ] && printf '%s\\n' "$name"; done
    say manifest; [ -f "$2/MANIFEST" ] && head -c 262144 "$2/MANIFEST"
    say marker; [ -f "$2/MARKER" ] && echo yes
    say files; ls -ln "$folder" 2>/dev/null | grep -e llama -e ggml -e rpc-server | head -c 65536
    say version; [ -x "$folder/llama-server" ] && ask 16384 "$folder/llama-server" --version
    help=$(ask 16384 "$folder/${3##*/}" --help)
    say help; printf '%s\\n' "$help"
    say devices
    case $help in *--device*) ask 65536 "$folder/${3##*/}" -d list;; esac
    say told
}
look() { # kind, top
    for below in BELOW; do
        for name in NAMES; do
            found=$2/$below/$name
            if [ -f "$found" ] && [ -x "$found" ]; then
                folder=$(real_folder "$found")
                case $seen in *":$folder:"*) return 0;; esac
                if [ "$count" -ge MOST ] || [ $(($(now) - start)) -gt 60 ]; then return 0; fi
                seen=$seen$folder: count=$((count + 1))
                tell "$1" "$2" "$found"
                return 0
            fi
        done
    done
    return 0
}
own() { if [ -f "$1/MANIFEST" ]; then look own "$1"; fi; }
if [ -n "$first" ]; then own "$data/runtimes/$first"; own "$data/runtimes/$first-copied"; fi
for build in "$data"/runtimes/*/; do own "${build%/}"; done
for build in INSTALLED/*/; do if [ -f "$build/MANIFEST" ]; then look packaged "${build%/}"; fi; done
set -f; old=$IFS; IFS=:
for place in $PATH; do IFS=$old; if [ -n "$place" ]; then look path "$place"; fi; done
IFS=$old
for place in HOMES; do if [ -n "${HOME-}" ]; then look usual "$HOME/$place"; fi; done
for place in ANYWHERE; do look usual "$place"; done
say looked"""


def find_script(installed: str = INSTALLED) -> str:
    """For ``run_script``, with the data folder and the name of the build to look at first (or nothing) as arguments.
    ``installed``: where packages put ours."""
    names = {
        "SECONDS": str(PROGRAM_SECONDS),
        "PROGRAMS": shlex.join(PROGRAMS),
        "MANIFEST": MANIFEST_NAME,
        "MARKER": COPIED_MARKER,
        "BELOW": shlex.join(BELOW),
        "NAMES": shlex.join(RPC_SERVER_NAMES),
        "MOST": str(MOST_BUILDS),
        "HOMES": shlex.join(USUAL_BELOW_HOME),
        "ANYWHERE": shlex.join(USUAL_ANYWHERE),
        "INSTALLED": installed,
    }
    script = _SCRIPT
    for name, value in names.items():
        script = script.replace(name, value)
    return script
