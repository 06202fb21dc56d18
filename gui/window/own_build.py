"""Which Crossply this is: its version, how it was put here, the Python and the Qt it runs on."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, qVersion

from gui.texts.translation import tr

_SHORT = 10


def own_versions() -> tuple[tuple[str, str], ...]:
    """(What, which) of everything that a bug report needs."""
    qt_build = "debug" if QLibraryInfo.isDebugBuild() else "release"
    return (
        ("Crossply", version_of("crossply")),
        (tr("Build"), own_build(Path(__file__).resolve().parents[2])),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("Qt", f"{qVersion()} ({qt_build}), PySide6 {version_of('PySide6-Essentials')}"),
        (tr("System"), platform.platform()),
    )


def version_of(package: str) -> str:
    """As it is installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return tr("not installed as a package")


def own_build(top: Path) -> str:
    """``checkout at 0123456789``, ``frozen application`` or ``installed package``. ``top``: the folder of the packages."""
    if getattr(sys, "frozen", False):
        return tr("frozen application")
    folder = top / ".git"
    if not folder.exists():
        return tr("installed package")
    commit = _commit_of(folder)
    return tr("checkout at {commit}", commit=commit[:_SHORT]) if commit else "checkout"


def _commit_of(folder: Path) -> str:
    """Read and not asked of git, which need not be there. Empty when it cannot be told."""
    try:
        if folder.is_file():  # another worktree: the file says where its part is
            folder = (folder.parent / folder.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
        head = (folder / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        common = folder / "commondir"
        shared = (folder / common.read_text(encoding="utf-8").strip()) if common.exists() else folder
        return _commit_of_ref(shared, head.removeprefix("ref: "))
    except (OSError, UnicodeDecodeError):
        return ""


def _commit_of_ref(folder: Path, ref: str) -> str:
    loose = folder / ref
    if loose.exists():
        return loose.read_text(encoding="utf-8").strip()
    lines = (folder / "packed-refs").read_text(encoding="utf-8").splitlines()
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {ref}")), "")
