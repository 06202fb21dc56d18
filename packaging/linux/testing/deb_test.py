"""The two ``.deb`` in a fresh Debian: see ``test_packages.py``."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from linux.nfpm_packages import OLDER_POLICY, POLICY, pack
from linux.testing.fresh_root import FreshRoot
from linux.testing.readers import check_readers, install_readers, read
from linux.testing.running import (
    OLD_VERSION,
    Report,
    change_policy,
    check_command_line,
    check_nothing_left,
    check_policy_works,
    check_service,
    check_window,
    expect,
)
from parts.facts import OUT
from parts.installed_files import NODE, WINDOW

INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0")
KEEP_OURS = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
"""An upgrade with another policy than before, over one that the administrator changed, asks; this answers."""


def run(suite: str, work: Path, report: Report) -> None:
    """Raises ``CommandFailed``."""
    new = {package: next(OUT.glob(f"{package}_{report.facts.version}_*.deb")) for package in (NODE, WINDOW)}
    root = FreshRoot(suite, work)
    root.as_root("apt-get", "update", "-q")
    for package in (WINDOW, NODE):  # what they need stays when they go, as everywhere
        needed = field_of(new[package], "Depends")
        root.as_root("apt-get", "satisfy", "-y", "--no-install-recommends", needed)
    install_readers(root)
    before = root.files()
    _whole_life(root, NODE, new[NODE], before, report, suite)
    _whole_life(root, WINDOW, new[WINDOW], before, report, suite)
    _one_replaces_the_other(root, new, before)


def _whole_life(
    root: FreshRoot, package: str, new: Path, before: dict[str, tuple[int, int]], report: Report, suite: str
) -> None:
    name = f"{package}.deb in {suite}"
    old = pack(package, "deb", report.facts, out=report.folder, version=OLD_VERSION, only_in_this=True)
    root.as_root(*INSTALL, root.bring(old, f"/tmp/{old.name}"))
    expect((root.path / "usr/share/doc" / package / "only-before").is_file(), "the old version has its own file")
    expect(read(root, POLICY) == OLDER_POLICY, "the old version has its own policy")
    if package == WINDOW:
        change_policy(root)
    begun = time.monotonic()
    root.as_root(*INSTALL, *KEEP_OURS, root.bring(new, f"/tmp/{new.name}"))
    report.add(f"{name}: upgrade", f"{time.monotonic() - begun:.1f} s")
    expect(not (root.path / "usr/share/doc" / package / "only-before").exists(), "the old version's own file is gone")
    check_readers(root, package, "deb")
    check_command_line(root, "crossplyctl", report.facts.version, name, report)
    if package == NODE:
        expect("exposure" in read(root, POLICY), "a policy that nobody changed is not renewed")
        check_service(root, "crossplyctl")
    else:
        check_policy_works(root)
        check_window(root, "crossply", name, report)
        root.as_root("apt-get", "remove", "-y", package)
        expect((root.path / POLICY.lstrip("/")).is_file(), "removing took the administrator's policy")
    root.as_root("apt-get", "purge", "-y", package)
    check_nothing_left(root, before, f"the system after {package} was purged")
    expect((root.path / "home/student/.local/share/crossply").is_dir(), "the user's own data is kept")


def _one_replaces_the_other(root: FreshRoot, new: dict[str, Path], before: dict[str, tuple[int, int]]) -> None:
    """``crossply`` holds all of ``crossply-node``: it takes its place, with the administrator's policy, and goes wholly."""
    root.as_root(*INSTALL, f"/tmp/{new[NODE].name}")
    change_policy(root)
    root.as_root(*INSTALL, f"/tmp/{new[WINDOW].name}")
    listed = root.as_root("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", "crossply*")
    expect("crossply installed" in listed and f"{NODE} installed" not in listed, f"it did not take its place: {listed}")
    root.as_root("apt-get", "purge", "-y", NODE)
    check_policy_works(root)
    root.as_root("apt-get", "purge", "-y", WINDOW)
    check_nothing_left(root, before, "the system after both were purged")


def field_of(package: Path, name: str) -> str:
    """Of a ``.deb``."""
    return subprocess.run(["dpkg-deb", "-f", str(package), name], capture_output=True, text=True, check=True).stdout.strip()
