"""A cheap hash of a model: SHA-256 over the first MiB of its first file and the size of every file.

The first MiB holds the header (names, sizes, the vocabulary's beginning): another quantisation or another model differs there.
Rejected: hashing all of it (40 GB take minutes, and it would be read on every run).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

HASHED_BYTES = 1 << 20


def model_hash(files: Sequence[str]) -> str:
    """Hex digits; empty when there is no file or one cannot be read."""
    if not files:
        return ""
    digest = hashlib.sha256()
    try:
        with Path(files[0]).open("rb") as first:
            digest.update(first.read(HASHED_BYTES))
        sizes = [Path(name).stat().st_size for name in files]
    except OSError:
        return ""
    digest.update(",".join(map(str, sizes)).encode())
    return digest.hexdigest()
