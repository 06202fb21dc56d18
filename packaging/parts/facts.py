"""What every package says of Crossply, from one place: ``pyproject.toml`` for name, version and licence.

``SOURCE_DATE_EPOCH`` (reproducible-builds.org) is the time of the last commit, unless the environment says another; without
git it is a fixed day, so that two builds of one tree never differ by the clock.
"""

from __future__ import annotations

import os
import platform
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/packages"
"""Everything that is made: ignored by git, may be deleted at any time."""
OUT = ROOT / "dist"
"""The finished packages."""
FIXED_DAY = 1_767_225_600
"""2026-01-01, for a tree without git."""
MAINTAINER = "The Crossply developers <packages@crossply.invalid>"
"""The packages' fields want an address and there is none yet: ``.invalid`` is reserved (RFC 2606) and reaches nobody."""
_DEB_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of this checkout."""

    version: str
    summary: str
    licence: str
    epoch: int
    machine: str
    """As the kernel calls it: ``x86_64``."""

    @property
    def deb_machine(self) -> str:
        """As Debian calls it: ``amd64``."""
        return _DEB_MACHINES.get(self.machine, self.machine)


def read_facts(root: Path = ROOT) -> Facts:
    """Of the checkout at ``root``."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Facts(
        version=project["version"],
        summary=project["description"],
        licence=project["license"],
        epoch=source_date_epoch(root),
        machine=platform.machine(),
    )


def source_date_epoch(root: Path = ROOT) -> int:
    """Seconds since 1970."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdecimal():
        return int(given)
    git = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    try:
        said = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        said = ""
    return int(said) if said.isdecimal() else FIXED_DAY
