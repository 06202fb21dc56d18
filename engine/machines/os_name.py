"""The operating system's name for people: ``Debian GNU/Linux 12 (bookworm)``, ``macOS 15.1``, ``Windows 11``."""

from __future__ import annotations

import platform
import shlex


def pretty_name(os_release: str) -> str | None:
    """``PRETTY_NAME`` of the text of an os-release file, ``None`` when it has none. Pure."""
    for line in os_release.splitlines():
        if line.startswith("PRETTY_NAME="):
            try:
                return " ".join(shlex.split(line.partition("=")[2])) or None
            except ValueError:  # a quote that is not closed
                return None
    return None


def read_os_name() -> str:
    """From /etc/os-release (os-release(5)) on Linux; what Python knows elsewhere (macOS and Windows: untested)."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        pass  # no such file: not Linux, or a very bare one
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]}".strip()
    return f"{platform.system()} {platform.release()}".strip() or "unknown system"
