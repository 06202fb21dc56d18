"""What a package needs of the system, by the library that it loads: the names of Debian (and Ubuntu) and of Fedora (and RHEL).

What is really loaded is read from the files when packing (``needed_libraries``): a library that is neither inside nor in this
table stops the packing. ``a|b``: Debian 13 and Ubuntu 24.04 renamed some libraries for 64-bit time.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPackage:
    """One dependency."""

    deb: str
    rpm: str


LIBRARIES = {
    "libc.so.6": SystemPackage(deb="libc6 (>= 2.35)", rpm="glibc >= 2.35"),
    "libgcc_s.so.1": SystemPackage(deb="libgcc-s1", rpm="libgcc"),
    "libstdc++.so.6": SystemPackage(deb="libstdc++6", rpm="libstdc++"),
    "libgomp.so.1": SystemPackage(deb="libgomp1", rpm="libgomp"),
    "libdbus-1.so.3": SystemPackage(deb="libdbus-1-3", rpm="dbus-libs"),
    "libEGL.so.1": SystemPackage(deb="libegl1", rpm="libglvnd-egl"),
    "libGL.so.1": SystemPackage(deb="libgl1", rpm="libglvnd-glx"),
    "libGLX.so.0": SystemPackage(deb="libglx0", rpm="libglvnd-glx"),
    "libOpenGL.so.0": SystemPackage(deb="libopengl0", rpm="libglvnd-opengl"),
    "libfontconfig.so.1": SystemPackage(deb="libfontconfig1", rpm="fontconfig"),
    "libfreetype.so.6": SystemPackage(deb="libfreetype6", rpm="freetype"),
    "libglib-2.0.so.0": SystemPackage(deb="libglib2.0-0t64 | libglib2.0-0", rpm="glib2"),
    "libgthread-2.0.so.0": SystemPackage(deb="libglib2.0-0t64 | libglib2.0-0", rpm="glib2"),
    "libgobject-2.0.so.0": SystemPackage(deb="libglib2.0-0t64 | libglib2.0-0", rpm="glib2"),
    "libgio-2.0.so.0": SystemPackage(deb="libglib2.0-0t64 | libglib2.0-0", rpm="glib2"),
    "libgssapi_krb5.so.2": SystemPackage(deb="libgssapi-krb5-2", rpm="krb5-libs"),
    "libwayland-client.so.0": SystemPackage(deb="libwayland-client0", rpm="libwayland-client"),
    "libwayland-cursor.so.0": SystemPackage(deb="libwayland-cursor0", rpm="libwayland-cursor"),
    "libwayland-egl.so.1": SystemPackage(deb="libwayland-egl1", rpm="libwayland-egl"),
    "libX11.so.6": SystemPackage(deb="libx11-6", rpm="libX11"),
    "libX11-xcb.so.1": SystemPackage(deb="libx11-xcb1", rpm="libX11-xcb"),
    "libXext.so.6": SystemPackage(deb="libxext6", rpm="libXext"),
    "libXrender.so.1": SystemPackage(deb="libxrender1", rpm="libXrender"),
    "libdrm.so.2": SystemPackage(deb="libdrm2", rpm="libdrm"),
    "libxcb.so.1": SystemPackage(deb="libxcb1", rpm="libxcb"),
    "libexpat.so.1": SystemPackage(deb="libexpat1", rpm="expat"),
}
OF_GLIBC = ("libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "ld-linux", "libresolv.so.2")
IDLE_WITHOUT = {"libvulkan.so.1": SystemPackage(deb="libvulkan1", rpm="vulkan-loader")}
"""Without it one part stays idle: recommended, not needed."""
WITHOUT_LIBRARY = {"crossply": (SystemPackage(deb="xkb-data", rpm="xkeyboard-config"),), "crossply-node": ()}
"""Data that a library inside reads."""
RECOMMENDED = (SystemPackage(deb="openssh-client", rpm="openssh-clients"),)


class UnknownLibrary(Exception):
    """Something is loaded that is neither inside nor in the table."""


def dependencies(package: str, folder: Path) -> list[SystemPackage]:
    """Of the package whose application is in ``folder``. Raises ``UnknownLibrary``."""
    needed = needed_libraries(folder)
    strange = [name for name in needed if name not in LIBRARIES and name not in IDLE_WITHOUT and not name.startswith(OF_GLIBC)]
    if strange:
        raise UnknownLibrary(f"{package} loads {', '.join(sorted(strange))}: not inside, and not in packaging/linux")
    found = {LIBRARIES[name].deb: LIBRARIES[name] for name in sorted(needed) if name in LIBRARIES}
    return [*found.values(), *WITHOUT_LIBRARY[package]]


def needed_libraries(folder: Path) -> set[str]:
    """Names that the ELF files below ``folder`` load and that are not there themselves."""
    inside = {path.name for path in folder.rglob("*")}
    return {name for path in elf_files(folder) for name in _needed(path)} - inside


def elf_files(folder: Path) -> Iterable[Path]:
    """Programs and libraries."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(4) == b"\x7fELF":
                    yield path


def _needed(path: Path) -> list[str]:
    said = subprocess.run(["objdump", "-p", str(path)], capture_output=True, text=True, check=True).stdout
    return [line.split()[1] for line in said.splitlines() if line.strip().startswith("NEEDED")]


def newest_glibc(folder: Path) -> tuple[int, int]:
    """The glibc that the files below ``folder`` need: (2, 35)."""
    newest = (2, 0)
    for path in elf_files(folder):
        said = subprocess.run(["objdump", "-T", str(path)], capture_output=True, text=True, check=False).stdout
        for word in said.replace("(", " ").replace(")", " ").split():
            if word.startswith("GLIBC_2.") and word[8:].isdecimal():
                newest = max(newest, (2, int(word[8:])))
    return newest
