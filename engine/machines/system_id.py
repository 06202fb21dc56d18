"""What a Linux system calls its installation: machine-id(5). Pure, on whatever files are handed in.

A Mac's is its hardware's UUID, see ``remote_probe.sent_by_macos``; Crossply on a Mac has none for the Mac it runs on.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.machines.file_trees import FileTree

_MACHINE_ID = re.compile(r"[0-9a-f]{32}")


def read_system_id(files: FileTree) -> str | None:
    """32 hexadecimal digits; ``None`` where there is none (yet: ``uninitialized``)."""
    texts = (files.read(Path(path)).strip() for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"))
    return next((text for text in texts if _MACHINE_ID.fullmatch(text)), None)
