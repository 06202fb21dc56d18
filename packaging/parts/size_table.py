"""What is in a package, by size: printed when packing, and told in the README."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

GROUPS = (
    ("runtimes/", "libggml-vulkan", "llama.cpp: Vulkan"),
    ("runtimes/", "libggml-cpu", "llama.cpp: one library per kind of x86-64 processor"),
    ("runtimes/", "", "llama.cpp: programs and the rest"),
    ("_internal/PySide6/", "", "Qt and PySide6"),
    ("_internal/shiboken6/", "", "Qt and PySide6"),
    ("_internal/libQt6", "", "Qt and PySide6"),
    ("_internal/libpyside6", "", "Qt and PySide6"),
    ("_internal/libicu", "", "Qt and PySide6"),
    ("_internal/numpy", "", "numpy with OpenBLAS"),
    ("_internal/libscipy", "", "numpy with OpenBLAS"),
    ("_internal/libgfortran", "", "numpy with OpenBLAS"),
    ("_internal/libquadmath", "", "numpy with OpenBLAS"),
    ("_internal/cryptography", "", "SSH: cryptography, nacl, bcrypt, OpenSSL"),
    ("_internal/nacl", "", "SSH: cryptography, nacl, bcrypt, OpenSSL"),
    ("_internal/bcrypt", "", "SSH: cryptography, nacl, bcrypt, OpenSSL"),
    ("_internal/lib", "crypto", "SSH: cryptography, nacl, bcrypt, OpenSSL"),
    ("_internal/lib", "ssl", "SSH: cryptography, nacl, bcrypt, OpenSSL"),
    ("crossply", "", "Crossply and all Python code, one archive a program"),
    ("", "", "Python and its libraries"),
)
"""First match: how the path below the application starts, what its name holds, what it is called."""


def size_rows(folder: Path) -> list[tuple[str, float]]:
    """(What, MB as installed), largest first. Links count nothing."""
    sums: dict[str, int] = defaultdict(int)
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            sums[group_of(path.relative_to(folder))] += path.stat().st_size
    return sorted(((what, size / 1e6) for what, size in sums.items()), key=lambda row: -row[1])


def group_of(path: Path) -> str:
    """What a file belongs to."""
    text = path.as_posix()
    return next(what for start, holds, what in GROUPS if text.startswith(start) and holds in path.name)


def table(folder: Path) -> str:
    """For a terminal."""
    rows = size_rows(folder)
    lines = [f"  {megabytes:7.1f} MB  {what}" for what, megabytes in rows]
    return "\n".join([*lines, f"  {sum(size for _, size in rows):7.1f} MB  installed"])
