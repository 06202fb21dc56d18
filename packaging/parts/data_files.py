"""Files that lie beside the code and are read when it runs: programs sent to other machines, the lock of the build's tools.

Found, not listed: one that is added to a package of ours and forgotten here would be missed only by whoever installed it.
"""

from __future__ import annotations

from pathlib import Path

_NOT_READ = (".py", ".pyc", ".in")
""".in: what a lock is made from, not what is read."""


def data_files(root: Path, package: str) -> list[tuple[Path, str]]:
    """(File, the folder that it belongs to) of ``package`` in the checkout at ``root``."""
    found = sorted(path for path in (root / package).rglob("*") if path.is_file() and path.suffix not in _NOT_READ)
    return [(path, path.parent.relative_to(root).as_posix()) for path in found]
