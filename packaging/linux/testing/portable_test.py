"""The archive that runs where it is unpacked: in place; installed for a user, upgraded, removed. See ``test_packages.py``."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from linux.testing.deb_test import field_of
from linux.testing.fresh_root import HOME, FreshRoot
from linux.testing.running import Report, check_command_line, check_nothing_left, check_window, expect
from parts.facts import OUT
from parts.installed_files import WINDOW

PREFIX = f"{HOME}/.local"
_INSTALLED = ("lib", "bin", "share/applications", "share/icons")


def run(suite: str, work: Path, report: Report) -> None:
    """Raises ``CommandFailed``."""
    archive = next(OUT.glob(f"crossply-{report.facts.version}-*.tar.xz"))
    name = f"tar.xz in {suite}"
    root = FreshRoot(suite, work)
    root.as_root("apt-get", "update", "-q")
    needed = field_of(next(OUT.glob(f"{WINDOW}_{report.facts.version}_*.deb")), "Depends")
    root.as_root("apt-get", "satisfy", "-y", "--no-install-recommends", needed)
    before = root.files()
    begun = time.monotonic()
    unpacked = root.path / HOME.lstrip("/") / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-x", "-f", str(archive), "-C", str(unpacked), "--strip-components=1"], check=True)
    subprocess.run(["chown", "-R", "1000:1000", str(unpacked)], check=True)
    report.add(f"{name}: unpacked", f"{time.monotonic() - begun:.1f} s")
    inside = f"{HOME}/unpacked"
    check_command_line(root, f"{inside}/crossplyctl", report.facts.version, f"{name}, in place", report)
    _install_twice_and_remove(root, inside, report, name)
    check_nothing_left(root, before, "the system after all that")


def _install_twice_and_remove(root: FreshRoot, inside: str, report: Report, name: str) -> None:
    root.as_user(f"{inside}/install.sh")
    old = root.path / PREFIX.lstrip("/") / "lib/crossply/only-before"
    old.touch()
    begun = time.monotonic()
    root.as_user(f"{inside}/install.sh")
    report.add(f"{name}: upgrade", f"{time.monotonic() - begun:.1f} s")
    expect(not old.exists(), "an upgrade leaves files of the old version")
    said = root.as_user(f"{PREFIX}/bin/crossplyctl", "--version")
    expect(said.strip().endswith(report.facts.version), f"installed, it says {said!r}")
    check_window(root, f"{PREFIX}/bin/crossply", name, report)
    root.as_user("sh", "-c", f"rm -r {inside}; {PREFIX}/lib/crossply/uninstall.sh")
    left = [place for place in _INSTALLED if (root.path / PREFIX.lstrip("/") / place).exists()]
    expect(left == [], f"uninstall.sh left {left}")
    expect((root.path / HOME.lstrip("/") / ".local/state/crossply").is_dir(), "the user's own data is kept")
