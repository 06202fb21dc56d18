"""How many bytes a process of ours has written so far, to files and sockets alike: what a tunnel carried.

``/proc/<pid>/io`` counts what the system calls were given (``wchar``), so it is what went out before compression and in the
network's favour by ssh's own few per cent. Rejected: the interface's counters (they hold everybody's traffic).
"""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")


def written_bytes(pid: int, proc: Path = PROC) -> int | None:
    """Since its start; ``None`` where the system does not tell (not Linux, or it has ended)."""
    try:
        text = (proc / str(pid) / "io").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "wchar" and value.strip().isdecimal():
            return int(value)
    return None
