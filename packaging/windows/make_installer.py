"""The installer for Windows, made on Windows: the frozen application, llama.cpp, and NSIS around them. Never run yet.

Unsigned: whoever has a certificate signs both programs before packing and the installer after (``signtool sign /fd SHA256 /tr
TIMESTAMP /td SHA256``); ``CROSSPLY_SIGN`` may name a command that is called with each file. NSIS and not WiX: a per-user
installation without an administrator, one script, and it can be compiled on Linux too.
"""

from __future__ import annotations

import gzip
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from make_package import prepare
from parts.facts import BUILD, OUT, ROOT, Facts
from parts.freeze import FROZEN
from parts.installed_files import MADE, WINDOW

SIGN = "CROSSPLY_SIGN"


def make_installer(facts: Facts) -> Path:
    """Raises ``CalledProcessError``."""
    prepare(facts)
    payload = BUILD / "windows"
    shutil.rmtree(payload, ignore_errors=True)
    shutil.copytree(FROZEN / WINDOW, payload)
    shutil.copytree(BUILD / "runtimes", payload / "runtimes")
    shutil.copy(ROOT / "README.md", payload)
    (payload / "licences.txt").write_bytes(gzip.decompress((MADE / WINDOW / "licences.txt.gz").read_bytes()))
    for program in ("crossply.exe", "crossplyctl.exe"):
        sign(payload / program)
    target = OUT / f"crossply-{facts.version}-x64-setup.exe"
    defines = [f"-DVERSION={facts.version}", f"-DPAYLOAD={payload}", f"-DOUT={target}"]
    subprocess.run(["makensis", "-V2", *defines, str(ROOT / "packaging/windows/crossply.nsi")], check=True)
    sign(target)
    return target


def sign(file: Path) -> None:
    """With the command that the environment names, if it names one."""
    command = os.environ.get(SIGN)
    if command:
        subprocess.run([*shlex.split(command, posix=False), str(file)], check=True)
