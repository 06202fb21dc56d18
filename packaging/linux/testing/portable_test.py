"""The archive that runs where it is unpacked: in place; installed for a user and for all, upgraded, removed. See
``test_packages.py``."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from linux.testing.deb_test import field_of
from linux.testing.fresh_root import HOME, FreshRoot
from linux.testing.readers import install_readers
from linux.testing.running import Report, check_command_line, check_nothing_left, check_window, expect
from parts.facts import OUT
from parts.installed_files import WINDOW

PREFIX = f"{HOME}/.local"
_OF_WHO_RUNS_IT = (".cache", ".config", ".local/state", ".local/share/crossply", ".local/share/fish", ".gnupg")
"""Written by the programs that were run, not by the installer."""


def run(suite: str, work: Path, report: Report) -> None:
    """Raises ``CommandFailed``."""
    archive = next(OUT.glob(f"crossply-{report.facts.version}-*.tar.xz"))
    name = f"tar.xz in {suite}"
    root = FreshRoot(suite, work)
    root.as_root("apt-get", "update", "-q")
    needed = field_of(next(OUT.glob(f"{WINDOW}_{report.facts.version}_*.deb")), "Depends")
    root.as_root("apt-get", "satisfy", "-y", "--no-install-recommends", needed)
    install_readers(root)
    before = root.files()
    begun = time.monotonic()
    unpacked = root.path / HOME.lstrip("/") / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-x", "-f", str(archive), "-C", str(unpacked), "--strip-components=1"], check=True)
    subprocess.run(["chown", "-R", "1000:1000", str(unpacked)], check=True)
    report.add(f"{name}: unpacked", f"{time.monotonic() - begun:.1f} s")
    inside = f"{HOME}/unpacked"
    check_command_line(root, f"{inside}/crossplyctl", report.facts.version, f"{name}, in place", report)
    own = _files(root)
    _install_twice_and_remove(root, inside, report, name)
    new = {place for place in _files(root) - own if not place.startswith(_OF_WHO_RUNS_IT)}
    expect(not new, f"uninstall.sh left {sorted(new)[:12]}")
    expect((root.path / HOME.lstrip("/") / ".local/state/crossply").is_dir(), "the user's own data is kept")
    check_nothing_left(root, before, "the system after all that")
    _for_all(root, inside)
    check_nothing_left(root, before, "the system after it was there for all")


def _files(root: FreshRoot) -> set[str]:
    """All of the user's, folders too, but for what was unpacked."""
    home = root.path / HOME.lstrip("/")
    return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.relative_to(home).parts[0] != "unpacked"}


def _install_twice_and_remove(root: FreshRoot, inside: str, report: Report, name: str) -> None:
    root.as_user(f"{inside}/install.sh")
    below = root.path / PREFIX.lstrip("/")
    for old in ("lib/crossply/only-before", "share/man/man1/only-before.1.gz"):
        (below / old).touch()
    with (below / "lib/crossply/installed-files").open("a", encoding="utf-8") as notes:
        notes.write("man/man1/only-before.1.gz\n")
    begun = time.monotonic()
    root.as_user(f"{inside}/install.sh")
    report.add(f"{name}: upgrade", f"{time.monotonic() - begun:.1f} s")
    expect(not list(below.rglob("only-before*")), "an upgrade leaves files of the old version")
    said = root.as_user(f"{PREFIX}/bin/crossplyctl", "--version")
    expect(said.strip().endswith(report.facts.version), f"installed, it says {said!r}")
    entry = (below / "share/applications/org.crossply.Crossply.desktop").read_text(encoding="utf-8")
    expect(f'Exec="{PREFIX}/bin/crossply" %f' in entry, f"the menu entry starts something else: {entry}")
    root.as_user("desktop-file-validate", f"{PREFIX}/share/applications/org.crossply.Crossply.desktop")
    shown = root.as_user("man", "-M", f"{PREFIX}/share/man", "crossplyctl", MANPAGER="cat")
    expect("crossplyctl" in shown, "man finds no page")
    done = root.as_user("fish", "-c", "complete -C 'crossplyctl do'", PATH=f"{PREFIX}/bin:/usr/bin:/bin")
    expect("doctor" in done, f"fish completes nothing: {done!r}")
    names = (below / "share/mime/globs2").read_text(encoding="utf-8")
    expect("x-gguf:*.gguf" in names, "the user's MIME database lacks our files")
    check_window(root, f"{PREFIX}/bin/crossply", name, report)
    root.as_user(f"{PREFIX}/lib/crossply/uninstall.sh")


def _for_all(root: FreshRoot, inside: str) -> None:
    """As root below /usr/local, whose folders are the system's."""
    root.as_root(f"{inside}/install.sh", "--prefix", "/usr/local")
    root.as_user("crossplyctl", "--version", PATH="/usr/local/bin:/usr/bin:/bin")
    said = root.as_user("zsh", "-fc", "autoload -Uz compinit; compinit -u -D; print -r -- $_comps[crossplyctl]")
    expect(said.strip() == "_crossplyctl", f"zsh completes with {said.strip()!r}")
    root.as_root("/usr/local/lib/crossply/uninstall.sh")
