"""``make deb``, ``make rpm``, ``make appimage``, ``make windows``, ``make macos``: what ``set_up.py`` starts at its end.

``make_package.py KIND``. Standard library only; run by path, so the rooms of this folder (``parts``, ``linux``, ``windows``,
``macos``) are found beside it. The finished packages are in ``dist``, everything in between in ``build/packages``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from parts.facts import BUILD, OUT, ROOT, Facts, read_facts

PYTHON = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main() -> int:
    """See the module's docstring. Exit status 1: it could not be made; 2: not on this system."""
    kinds: dict[str, Callable[[Facts], int]] = {
        "deb": lambda facts: make_linux("deb", facts),
        "rpm": lambda facts: make_linux("rpm", facts),
        "appimage": make_appimage,
        "windows": make_windows,
        "macos": make_macos,
    }
    asked = kinds.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if asked is None:
        print(f"usage: make_package.py {'|'.join(kinds)}", file=sys.stderr)
        return 2
    begun = time.monotonic()
    code = asked(read_facts())
    if code == 0:
        print(f"Made in {time.monotonic() - begun:.0f} s.", flush=True)
    return code


def prepare(facts: Facts) -> None:
    """The frozen applications, llama.cpp and the files that are made: the same for every kind."""
    from parts.freeze import freeze
    from parts.made.made_files import make_documents, make_files

    say("freezing the application")
    freeze(facts)
    say("llama.cpp's programs")
    portable_runtime(facts)
    make_files(facts)
    if sys.platform == "linux":
        make_documents(facts)


def portable_runtime(facts: Facts) -> None:
    """Into ``build/packages/runtimes``, from the build in the data folder (``set_up.py`` has made it)."""
    built = (ROOT / ".cache/portable_runtime").read_text(encoding="utf-8").strip()
    script = ROOT / "packaging/parts/portable_runtime.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": str(facts.epoch)}
    subprocess.run([str(PYTHON), str(script), built, str(BUILD / "runtimes")], check=True, env=environment)


def make_linux(kind: str, facts: Facts) -> int:
    """Both packages of a kind."""
    if refused := only_on("linux", kind, "a Linux machine"):
        return refused
    from linux.nfpm_packages import pack, stage
    from parts.installed_files import BOTH
    from parts.size_table import table

    prepare(facts)
    for package in BOTH:
        say(f"packing {package}")
        print(table(stage(package, facts)), flush=True)
        tell(pack(package, kind, facts))
    return 0


def make_appimage(facts: Facts) -> int:
    """One file that runs anywhere."""
    if refused := only_on("linux", "appimage", "a Linux machine"):
        return refused
    from linux.bundle import make_bundle

    prepare(facts)
    for path in make_bundle(facts):
        tell(path)
    return 0


def make_windows(facts: Facts) -> int:
    """The installer for Windows."""
    if refused := only_on("win32", "windows", "Windows 10 or later, with Python 3.11+ and NSIS 3 (makensis on the PATH)"):
        return refused
    from windows.make_installer import make_installer

    tell(make_installer(facts))
    return 0


def make_macos(facts: Facts) -> int:
    """The application and its disk image for macOS."""
    if refused := only_on("darwin", "macos", "macOS 13 or later, with Python 3.11+ and the Xcode command line tools"):
        return refused
    from macos.make_image import make_image

    tell(make_image(facts))
    return 0


def only_on(system: str, kind: str, what: str) -> int:
    """0 on the system that can make it; elsewhere 2, and one sentence."""
    if sys.platform == system:
        return 0
    print(
        f"make {kind} needs {what}: a frozen application can only be made on the system that it is for.\n"
        f"There, run in a checkout:  python3 packaging/set_up.py {kind}\n"
        "The workflow .github/workflows/packages.yml does it on all three systems.",
        file=sys.stderr,
    )
    return 2


def tell(path: Path) -> None:
    """What was made."""
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB", flush=True)


def say(words: str) -> None:
    """What is being done."""
    print(f"--- {words}", flush=True)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
