"""A ``.deb`` is an ``ar`` archive of three members (deb(5)); here the last, ``data.tar``, is compressed with xz on all cores.

The same bytes for the same data, however many cores there are: blocks of one size. ``CROSSPLY_XZ_LEVEL=1`` makes a larger file
in a fraction of the time, for a test.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_MAGIC = b"!<arch>\n"
_HEADER = 60
_LEVEL = os.environ.get("CROSSPLY_XZ_LEVEL", "9")
PACKED_FAST = _LEVEL != "9"
"""Larger than it may be."""
_XZ = ("xz", f"-{_LEVEL}", "--threads=0", "--block-size=64MiB", "--check=crc32", "--stdout")


def compress_data(package: Path) -> None:
    """In place. Raises ``ValueError`` when it is no ``.deb`` with an uncompressed ``data.tar``, ``CalledProcessError``."""
    members = read_members(package.read_bytes())
    names = [header[:16].rstrip() for header, _ in members]
    if names != [b"debian-binary", b"control.tar.gz", b"data.tar"]:
        raise ValueError(f"{package} has the members {names}")
    header, data = members[2]
    smaller = subprocess.run(_XZ, input=data, stdout=subprocess.PIPE, check=True).stdout
    members[2] = (b"data.tar.xz".ljust(16) + header[16:48] + str(len(smaller)).encode().ljust(10) + header[58:60], smaller)
    temporary = package.with_suffix(".new")
    temporary.write_bytes(_MAGIC + b"".join(head + body + b"\n" * (len(body) % 2) for head, body in members))
    temporary.replace(package)


def read_members(archive: bytes) -> list[tuple[bytes, bytes]]:
    """(Header of 60 bytes, content) of each. Raises ``ValueError``."""
    if not archive.startswith(_MAGIC):
        raise ValueError("no ar archive")
    members, at = [], len(_MAGIC)
    while at < len(archive):
        header = archive[at : at + _HEADER]
        size = int(header[48:58])
        members.append((header, archive[at + _HEADER : at + _HEADER + size]))
        at += _HEADER + size + size % 2
    return members
