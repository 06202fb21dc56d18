"""The two ``.rpm``: installed, upgraded and erased by rpm in a root of its own. See ``test_packages.py``.

No Fedora and no RHEL can be had where this is written, so the root is a Debian with the libraries that they need and rpm is
this machine's (``rpm --root``), told not to ask for the names of Fedora's packages: **those names are untested**.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from linux.nfpm_packages import OLDER_POLICY, POLICY, pack
from linux.testing.deb_test import field_of
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

OF_FEDORAS_OWN = ("/usr/share/applications", "/usr/share/metainfo", "/usr/share/mime/packages", "/usr/lib/systemd/system")
"""Folders that packages of every Fedora own; an empty Debian lacks some."""
SHARED = ("/usr/share/fish/vendor_completions.d", "/usr/share/bash-completion/completions")
"""Owned by several packages, as rpm sees it; here it knows of ours alone, and would take an empty one along."""
LEFT_BY_RPM = (".rpmsave", ".rpmnew")
"""A policy that the administrator changed, and the new one beside it: rpm leaves both."""


def run(suite: str, work: Path, report: Report) -> None:
    """Raises ``CommandFailed``."""
    root = FreshRoot(suite, work)
    root.as_root("apt-get", "update", "-q")
    needed = field_of(next(OUT.glob(f"{WINDOW}_{report.facts.version}_*.deb")), "Depends")
    root.as_root("apt-get", "satisfy", "-y", "--no-install-recommends", needed)
    install_readers(root)
    root.as_root("mkdir", "-p", *OF_FEDORAS_OWN)
    root.as_root("touch", *(f"{folder}/of-another-package" for folder in SHARED))
    before = root.files()
    for package in (NODE, WINDOW):
        _whole_life(root, package, before, report, suite)


def _whole_life(root: FreshRoot, package: str, before: dict[str, tuple[int, int]], report: Report, suite: str) -> None:
    name = f"{package}.rpm in {suite}"
    new = next(OUT.glob(f"{package}-{report.facts.version}-1.*.rpm"))
    old = pack(package, "rpm", report.facts, out=report.folder, version=OLD_VERSION, only_in_this=True)
    _rpm(root, "-i", "--nodeps", str(old))
    expect(read(root, POLICY) == OLDER_POLICY, "the old version has its own policy")
    if package == WINDOW:
        change_policy(root)
    begun = time.monotonic()
    _rpm(root, "-U", "--nodeps", str(new))
    report.add(f"{name}: upgrade", f"{time.monotonic() - begun:.1f} s")
    expect(not (root.path / "usr/share/doc" / package / "only-before").exists(), "the old version's own file is gone")
    listed = [line for line in _rpm_verify(root, package) if package == NODE or not line.endswith(f" c {POLICY}")]
    expect(listed == [], f"rpm -V finds: {listed}")
    check_readers(root, package, "rpm")
    check_command_line(root, "crossplyctl", report.facts.version, name, report)
    if package == NODE:
        expect("exposure" in read(root, POLICY), "a policy that nobody changed is not renewed")
        check_service(root, "crossplyctl")
    else:
        check_policy_works(root)
        check_window(root, "crossply", name, report)
    _rpm(root, "-e", package)
    for ending in LEFT_BY_RPM if package == WINDOW else ():
        left = root.path / f"{POLICY.lstrip('/')}{ending}"
        expect(left.is_file(), f"rpm did not leave {left.name}")
        left.unlink()
    folder = root.path / POLICY.lstrip("/")
    if package == WINDOW and folder.parent.is_dir():
        folder.parent.rmdir()  # rpm keeps it for what is in it
    check_nothing_left(root, before, f"the system after {package} was erased")


def _rpm_verify(root: FreshRoot, package: str) -> list[str]:
    """What was changed since it was installed."""
    command = ["rpm", "--root", str(root.path), "--dbpath", "/var/lib/rpm", "-V", "--nodeps", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def _rpm(root: FreshRoot, *words: str) -> str:
    command = ["rpm", "--root", str(root.path), "--dbpath", "/var/lib/rpm", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout
