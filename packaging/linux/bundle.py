"""One file for any Linux: a ``.tar.xz`` that runs where it is unpacked and has an install script; an AppImage where its
official runtime is at hand.

No registry has an AppImage tool or its runtime (what PyPI, npm and Debian have fetches it from a site), so where this is
written only the archive is made and tested. With ``CROSSPLY_APPIMAGE_RUNTIME=/path/to/runtime-x86_64`` the AppImage is made
too: that runtime followed by a SquashFS of the same folder. **That was never run here.** Rejected: a runtime of our own on
libsquashfuse and libfuse3 (150 lines of C that run before everything else and that nobody here would maintain; and static
LGPL libraries, whose objects would have to be published).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from linux.dependencies import newest_glibc
from linux.nfpm_packages import NEWEST_GLIBC, stage
from parts.facts import BUILD, OUT, ROOT, Facts
from parts.installed_files import WINDOW, files_of

RUNTIME = "CROSSPLY_APPIMAGE_RUNTIME"
SHARED = "/usr/share/"
AT_THE_TOP = ("README.md", "org.crossply.Crossply.desktop", "org.crossply.Crossply.svg")
"""For who unpacks it, and for the AppImage, which wants the last two there."""
_PORTABLE = ROOT / "packaging/linux/portable"


def make_bundle(facts: Facts) -> list[Path]:
    """The archive, and the AppImage where its runtime was named. Raises ``CalledProcessError``."""
    folder = bundle_folder(facts)
    newest = newest_glibc(folder)
    if newest > NEWEST_GLIBC:
        raise RuntimeError(f"the bundle would need glibc {newest[0]}.{newest[1]}; the promise is {NEWEST_GLIBC}.")
    made = [make_archive(folder, facts)]
    runtime = os.environ.get(RUNTIME)
    if runtime:
        made.append(make_appimage(folder, Path(runtime), facts))
    else:
        print(f"No AppImage: set {RUNTIME} to the official runtime's file to have one made.", flush=True)
    return made


def bundle_folder(facts: Facts) -> Path:
    """The application with its scripts and its papers."""
    name = f"crossply-{facts.version}-{facts.machine}"
    folder = BUILD / "bundle" / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stage(WINDOW, facts), folder, symlinks=True)
    for script in ("install.sh", "uninstall.sh", "AppRun"):
        shutil.copy(_PORTABLE / script, folder / script)
        (folder / script).chmod(0o755)
    for source, target, _ in files_of(WINDOW, "portable"):
        if target.startswith(SHARED):
            places = [folder / "share" / target.removeprefix(SHARED)]
            if Path(target).name in AT_THE_TOP:
                places.append(folder / Path(target).name)
            for place in places:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)
                place.chmod(0o644)
    for path in (folder / "share").rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    return folder


def make_archive(folder: Path, facts: Facts, *, level: str = "-3", out: Path = OUT) -> Path:
    """Same tree, same bytes: sorted, owned by root, one time, blocks of one size."""
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{folder.name}.tar.xz"
    tar = ["tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", f"--mtime=@{facts.epoch}", "-c", "-C"]
    with (
        target.open("wb") as stream,
        subprocess.Popen([*tar, str(folder.parent), folder.name], stdout=subprocess.PIPE) as packer,
    ):
        xz = ["xz", level, "--threads=0", "--block-size=32MiB", "--stdout"]
        subprocess.run(xz, stdin=packer.stdout, stdout=stream, check=True)
    if packer.returncode != 0:
        raise subprocess.CalledProcessError(packer.returncode, tar)
    return target


def make_appimage(folder: Path, runtime: Path, facts: Facts) -> Path:
    """The official runtime, then the folder as SquashFS."""
    target = OUT / f"Crossply-{facts.version}-{facts.machine}.AppImage"
    image = BUILD / "crossply.squashfs"
    image.unlink(missing_ok=True)
    times = ["-all-time", str(facts.epoch), "-mkfs-time", str(facts.epoch)]
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}  # it refuses both
    command = ["mksquashfs", str(folder), str(image), "-comp", "zstd", "-Xcompression-level", "19", "-noappend", "-root-owned"]
    subprocess.run([*command, "-quiet", *times], check=True, env=environment)
    target.write_bytes(runtime.read_bytes() + image.read_bytes())
    target.chmod(0o755)
    return target
