"""SHA-256 of files on a remote machine, by whatever program it has: sha256sum, shasum, openssl or python3.

The hashes come back and are compared here: the machine is asked what it has, not whether it is right. Where it has none of the
programs only the sizes can be compared, and the caller must say so.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from engine.ports import CancelToken
from engine.remote_ports import RemoteShell
from engine.runtimes.remote.shell_script import run_script, text_of

_SECONDS = 300.0
"""Small ARM boards hash some 50 MB a second; a slow disk may be behind it."""
_HASHED = re.compile(r"^(?P<hash>[0-9a-f]{64}) [ *](?P<path>.+)$", re.MULTILINE)
_SIZED = re.compile(r"^\s*(?P<size>\d+) (?P<path>.+)$", re.MULTILINE)
_PYTHON = (
    "import hashlib,sys\n"
    "for path in sys.argv[1:]:\n"
    " try:\n"
    "  with open(path,'rb') as stream: print(hashlib.sha256(stream.read()).hexdigest()+'  '+path)\n"
    " except OSError: pass\n"
)
_BODY = """\
cd "$1" 2>/dev/null || return 0
shift
if command -v sha256sum >/dev/null 2>&1; then say hashes; sha256sum "$@" 2>/dev/null
elif command -v shasum >/dev/null 2>&1; then say hashes; shasum -a 256 "$@" 2>/dev/null
elif command -v openssl >/dev/null 2>&1; then say hashes; openssl dgst -sha256 -r "$@" 2>/dev/null
elif command -v python3 >/dev/null 2>&1; then say hashes; python3 -c PYTHON "$@" 2>/dev/null
fi
say sizes
for file in "$@"; do [ -f "$file" ] && printf '%s %s\\n' "$(wc -c <"$file")" "$file"; done"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteHashes:
    """What a machine says about files. What is not in ``sizes`` is not there."""

    hashes: dict[str, str] | None
    """``None`` = it has no program that could compute them."""
    sizes: dict[str, int]

    def is_right(self, path: str, *, size_bytes: int, sha256: str) -> bool:
        """Same size, and same hash if there are any."""
        return self.sizes.get(path) == size_bytes and (self.hashes is None or self.hashes.get(path) == sha256)


def remote_hashes(shell: RemoteShell, folder: str, paths: Iterable[str], token: CancelToken) -> RemoteHashes:
    """Of files below ``folder`` (plain names with forward slashes); a folder that is not there has no files.

    Raises ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``.
    """
    wanted = tuple(paths)
    body = _BODY.replace("PYTHON", shlex.quote(_PYTHON))
    sections = run_script(shell, body, (folder, *wanted), timeout_seconds=_SECONDS, token=token)
    sizes = {match["path"]: int(match["size"]) for match in _SIZED.finditer(text_of(sections, "sizes"))}
    hashed = any(section.key == "hashes" for section in sections)
    hashes = {match["path"]: match["hash"] for match in _HASHED.finditer(text_of(sections, "hashes"))}
    return RemoteHashes(hashes=hashes if hashed or not sizes else None, sizes=sizes)
