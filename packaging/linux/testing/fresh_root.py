"""A fresh Debian in a folder, for one test: debootstrap once, then an overlay over it that is thrown away.

Mounts are made in a mount namespace of the test's own (``test_packages.py`` enters it first): none is left, however it ends.
The packages come from where this machine's apt gets its own; downloads are kept in ``build/packages/roots``. Programs under
test run as a plain user in a network namespace of their own that has a loopback and nothing else: no internet.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from fetch_vulkan_headers import apt_sources, read_os_release
from parts.facts import BUILD

ROOTS = BUILD / "roots"
USER, UID, HOME = "student", 1000, "/home/student"
NOT_COMPARED = (
    "/proc",
    "/sys",
    "/dev",
    "/tmp",
    "/run",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/log",
    "/var/lib/rpm",
)
"""What a package manager writes for itself, and mounts."""
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


class CommandFailed(Exception):
    """A command in the root ended with another status than 0."""


def sources_for(suite: str) -> list[str]:
    """One-line sources of this machine's own apt, for ``suite``. Raises ``CommandFailed`` where there are none."""
    release = read_os_release(Path("/etc/os-release").read_text(encoding="utf-8"))
    found = apt_sources(Path("/etc/apt"), release.get("VERSION_CODENAME", ""), suite)
    if not found:
        raise CommandFailed(f"This machine's apt names no archive that could hold {suite}.")
    return found


def base_root(suite: str) -> Path:
    """The untouched Debian, made once. Raises ``CommandFailed``."""
    root = ROOTS / suite
    if (root / ".made").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    mirror = re.sub(r"^deb (\[[^]]*\] )?", "", sources_for(suite)[0]).split()[0]
    _run(["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(root), mirror])
    (root / "etc/apt/sources.list").write_text("\n".join(sources_for(suite)) + "\n", encoding="utf-8")
    for settings in sorted(Path("/etc/apt/apt.conf.d").iterdir()):
        if "Acquire::" in settings.read_text(encoding="utf-8", errors="replace"):  # a proxy, a mirror's peculiarities
            shutil.copy(settings, root / "etc/apt/apt.conf.d")
    (root / ".made").touch()
    return root


@dataclass
class FreshRoot:
    """One test's root. To be used in a mount namespace of one's own."""

    suite: str
    work: Path
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        """Mount it."""
        base = base_root(self.suite)
        shutil.rmtree(self.work, ignore_errors=True)
        upper, under, self.path = (self.work / name for name in ("upper", "under", "root"))
        for folder in (upper, under, self.path):
            folder.mkdir(parents=True)
        options = f"lowerdir={base},upperdir={upper},workdir={under}"
        try:
            _run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.path)])
        except CommandFailed:  # a checkout that lies on an overlay itself, as in a container
            _run(["cp", "-a", f"{base}/.", str(self.path)])
        archives = ROOTS / f"{self.suite}-archives"
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        _run(["mount", "-t", "proc", "proc", str(self.path / "proc")])
        _run(["mount", "--rbind", "/dev", str(self.path / "dev")])
        _run(["mount", "-t", "tmpfs", "tmpfs", str(self.path / "tmp"), "-o", "mode=1777"])
        _run(["mount", "--bind", str(archives), str(self.path / "var/cache/apt/archives")])
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", self.path / "etc" / name)
        (self.path / "etc/apt/apt.conf.d/99keep").write_text('APT::Keep-Downloaded-Packages "true";\n', encoding="utf-8")
        self.as_root("useradd", "--create-home", "--uid", str(UID), "--shell", "/bin/sh", USER)

    def bring(self, file: Path, to: str) -> str:
        """Show a file of this machine in the root, without copying it; read-only, and only once: a second ``touch`` would
        change the time of the file itself, and a model that was checked would have to be checked anew."""
        inside = self.path / to.lstrip("/")
        if inside.exists() and inside.samefile(file):
            return to
        inside.parent.mkdir(parents=True, exist_ok=True)
        if not inside.exists():
            inside.touch()
        _run(["mount", "-o", "bind,ro", str(file), str(inside)])
        return to

    def as_root(self, *argv: str) -> str:
        """Run it in the root, with this machine's network. Raises ``CommandFailed``."""
        return _run(["chroot", str(self.path), "env", "-i", *_words(_ENVIRONMENT | {"HOME": "/root"}), *argv])

    def as_user(self, *argv: str, **environment: str) -> str:
        """Run it as the plain user, without a network. Raises ``CommandFailed``."""
        return _run(self.user_command(*argv, **environment))

    def user_command(self, *argv: str, **environment: str) -> list[str]:
        """For whoever starts it otherwise."""
        words = _words(_ENVIRONMENT | {"HOME": HOME, "USER": USER} | environment)
        inside = ["chroot", f"--userspec={UID}:{UID}", str(self.path), "env", "-i", *words, *argv]
        return ["unshare", "--net", "sh", "-c", 'ip link set lo up; cd /; exec "$@"', "sh", *inside]

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file, folder and link outside ``NOT_COMPARED`` and the home folder: path -> size and mode (0: a folder)."""
        found = {}
        for folder, _, names in os.walk(self.path):
            inside = "/" + os.path.relpath(folder, self.path).removeprefix(".")
            if inside.startswith((*NOT_COMPARED, HOME)):
                continue
            found[inside] = (0, 0)
            for name in names:
                status = (Path(folder) / name).lstat()
                found[f"{inside.rstrip('/')}/{name}"] = (status.st_size, status.st_mode)
        return found


def _words(environment: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]


def _run(argv: list[str]) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise CommandFailed(f"{' '.join(argv)[-300:]}\nended with status {done.returncode}:\n{said}")
    return done.stdout
