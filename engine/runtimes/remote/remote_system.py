"""What decides whether a build can be copied to a machine: its system, its processor, its C library, its free space."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.cluster.matching import ProgramSystem
from engine.errors import ProbeFailed
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell
from engine.runtimes.remote.shell_script import machine_name, run_script, text_of

_SECONDS = 30.0
_BODY = """\
say family; uname -s
say architecture; uname -m
say libc; getconf GNU_LIBC_VERSION 2>/dev/null || ldd --version 2>&1 | head -n 1
folder=$1
while [ ! -d "$folder" ] && [ "$folder" != / ]; do folder=$(dirname "$folder"); done
say disk; df -Pk "$folder" 2>/dev/null"""
_GLIBC = re.compile(r"(?:glibc|GLIBC|GNU libc)\D*.*?(\d+)\.(\d+)\s*$")
_DISK = re.compile(r"\s\d+\s+\d+\s+(?P<available>-?\d+)\s+\d+%\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSystem:
    """One look."""

    programs: ProgramSystem
    free_bytes: int | None
    """In the file system of the folder, or of its nearest parent that exists. ``None`` = ``df`` did not say."""


def look_at_system(shell: RemoteShell, folder: str, token: CancelToken | None = None) -> RemoteSystem:
    """Raises ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``."""
    sections = run_script(shell, _BODY, (folder,), timeout_seconds=_SECONDS, token=token)
    family, architecture = text_of(sections, "family").strip(), text_of(sections, "architecture").strip()
    if not family.isalnum() or not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", architecture):
        raise ProbeFailed(f"{machine_name(shell)} does not say which system it is.", advice="Is it a Unix?")
    disk = _DISK.search(text_of(sections, "disk") + " ")
    return RemoteSystem(
        programs=ProgramSystem(os_family=family, architecture=architecture, glibc=_glibc(text_of(sections, "libc"))),
        free_bytes=max(0, int(disk["available"])) * 1024 if disk else None,
    )


def _glibc(text: str) -> tuple[int, ...] | None:
    """``glibc 2.36`` (getconf), ``ldd (Debian GLIBC 2.36-9+deb12u14) 2.36``; musl's ldd has neither word."""
    match = _GLIBC.search(text.strip())
    return (int(match[1]), int(match[2])) if match else None
