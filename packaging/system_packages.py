"""Which system packages the set-up needs, which of them are missing, and how to get them with apt. Standard library only.

The lists were found in an empty Debian 12: without them Qt does not load. ``a|b`` = either of these names (Debian 13 and
Ubuntu 24.04 renamed some libraries for 64-bit time).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

COMPILE = {"gcc": "gcc", "g++": "g++", "make": "make", "git": "git"}
"""Program -> package."""

WINDOW = (
    "libglib2.0-0t64|libglib2.0-0",
    "libgl1",
    "libegl1",
    "libx11-6",
    "libdbus-1-3",
    "libfontconfig1",
    "libfreetype6",
    "libxkbcommon0",
    "libx11-xcb1",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libxkbcommon-x11-0",
    "libwayland-cursor0",
    "libgomp1",
)
TEST = (
    "xvfb",
    "xauth",
    "openbox",
    "xdotool",
    "imagemagick",
    "iproute2",
    "openssh-server",
    "mesa-vulkan-drivers",
    "libvulkan1",
    "glslc",
    "man-db",
    "appstream",
    "shared-mime-info",
)
_LIBRARY = f"libpython3.{sys.version_info.minor}"
_OF_PYTHON = (f"{_LIBRARY}t64|{_LIBRARY}",) if sys.base_prefix == "/usr" else ()
PACKAGES = ("binutils", "xz-utils", "libvulkan1", "glslc", *_OF_PYTHON)
"""To make the Linux packages: strip and objdump; xz; the Vulkan backend; Python's library, which Debian keeps apart."""
PACKAGES_TEST = (
    "debootstrap",
    "rpm",
    "lintian",
    "rpmlint",
    "desktop-file-utils",
    "util-linux",
    "xvfb",
    "xdotool",
    "imagemagick",
    "iproute2",
)

OnLine = Callable[[str], None]


def has_apt() -> bool:
    """Whether this is a Debian or one of its children."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-query") is not None


def missing_packages(wanted: tuple[str, ...]) -> list[str]:
    """Those of ``wanted`` that are not installed; programs and Python's own parts are asked for themselves."""
    missing = [package for program, package in COMPILE.items() if shutil.which(program) is None]
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        missing.append("python3-venv")
    if not has_apt():
        return missing
    names = [name for entry in wanted for name in entry.split("|")]
    said = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names], capture_output=True, text=True, check=False
    ).stdout
    installed = {line.split()[0] for line in said.splitlines() if line.endswith(" installed")}
    return missing + [entry for entry in wanted if not installed.intersection(entry.split("|"))]


def apt_prefix() -> list[str] | None:
    """How apt-get may be run: as it is (root), through sudo without a password, or not at all."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n"]
    return None


def one_line(missing: list[str]) -> str:
    """The command that a person may copy."""
    return "sudo apt-get install --no-install-recommends " + " ".join(pick_names(missing))


def pick_names(entries: list[str]) -> list[str]:
    """For each entry the first of its names that apt knows (the last one when it knows none)."""
    names = []
    for entry in entries:
        choices = entry.split("|")
        known = (name for name in choices[:-1] if _apt_knows(name))
        names.append(next(known, choices[-1]))
    return names


def install(missing: list[str], prefix: list[str], run: Callable[[list[str], dict[str, str]], int]) -> bool:
    """Install with apt-get; the package lists are fetched only when it does not work without. Whether all went well."""
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]
    command = [*apt, "install", "-y", "--no-install-recommends"]
    if run([*command, *pick_names(missing)], environment) == 0:
        return True
    run([*apt, "update"], environment)  # a foreign source that fails does not matter; the packages decide
    return run([*command, *pick_names(missing)], environment) == 0


def _apt_knows(name: str) -> bool:
    return subprocess.run(["apt-cache", "show", name], capture_output=True, check=False).returncode == 0
