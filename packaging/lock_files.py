"""The lock files: every package with its version and the SHA-256 of its archives, for each system and Python that we run on.

``make lock`` writes them from pyproject.toml and ``locks/*.in`` (what is locked already stays; ``make lock UPGRADE=1`` takes
the newest), ``make run`` and ``make test`` install from nothing else, ``make audit`` asks what is known about them.

They are requirement files written by ``uv pip compile --universal``: one file serves Linux, macOS and Windows and Python from
3.11 on, the pip of every Python reads it, and it names no index. Rejected: ``uv.lock`` (names the index and the address of
every archive, and wants uv wherever it is installed from), ``pip-compile`` (locks for the machine it runs on), ``pylock.toml``
(the pip that comes with Python 3.11 does not know it).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[[list[str], dict[str, str]], int]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "packaging/locks"
OLDEST_PYTHON = "3.11"
RUN, DEV, BOOTSTRAP, TOOLS = (FOLDER / f"{name}.txt" for name in ("run", "dev", "bootstrap", "tools"))
FREEZE, DOCUMENTS, FUZZ = (FOLDER / f"{name}.txt" for name in ("freeze", "documents", "fuzz"))
BUILD_TOOLS = ROOT / "engine/runtimes/building/build_tools.txt"
SOURCES: dict[Path, tuple[str, ...]] = {
    DEV: ("pyproject.toml", "--extra", "dev"),
    RUN: ("pyproject.toml", "--constraint", "packaging/locks/dev.txt"),
    BOOTSTRAP: (str(FOLDER / "bootstrap.in"),),
    TOOLS: (str(FOLDER / "tools.in"),),
    FREEZE: (str(FOLDER / "freeze.in"), "--constraint", "packaging/locks/dev.txt"),
    DOCUMENTS: (str(FOLDER / "documents.in"), "--constraint", "packaging/locks/dev.txt"),
    FUZZ: (str(FOLDER / "fuzz.in"), "--constraint", "packaging/locks/dev.txt"),
    BUILD_TOOLS: (str(BUILD_TOOLS.with_suffix(".in")),),
}
"""What each is made of. ``run`` is a part of ``dev``, so that what is tested is what runs; what the packages are made with
(``freeze``, ``documents``) fits beside it."""


def install_command(python: Path, lock: Path) -> list[str]:
    """Only what is in the lock, only archives whose hash it knows, and no code of theirs is run to build them."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--no-input"]
    return [*pip, "--require-hashes", "--only-binary", ":all:", "--no-deps", "--requirement", str(lock)]


def editable_command(python: Path, root: Path) -> list[str]:
    """The checkout itself, built by the setuptools that is there."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--no-input"]
    return [*pip, "--no-deps", "--no-build-isolation", "--editable", str(root)]


def lock_commands(uv: Path, *, upgrade: bool) -> list[list[str]]:
    """Write each lock, in an order in which each finds what it needs. Run in the checkout."""
    options = ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header", "--no-annotate"]
    more = ["--upgrade"] if upgrade else []
    compile_one = [str(uv), "pip", "compile", "--quiet", "--system-certs", *options, *more]
    return [[*compile_one, *sources, "--output-file", str(lock)] for lock, sources in SOURCES.items()]


def write_locks(tools: Path, run: Run) -> int:
    """``make lock``. Exit status. ``tools``: the folder of the programs."""
    for command in lock_commands(tools / "uv", upgrade=os.environ.get("UPGRADE", "") not in ("", "0")):
        status = run(command, {"UV_NO_CONFIG": "1"})  # a person's own settings must not decide what is locked
        if status != 0:
            return status
    return 0


def audit(tools: Path, run: Run) -> int:
    """``make audit``: exit status 0 means that every package was looked up and nothing is known against it.

    ``--strict``: without it, what could not be looked up (no network, a registry without that service) is passed over, and
    the answer is "no known vulnerabilities".
    """
    worst = 0
    for lock in SOURCES:
        print(f"--- {lock.name}", flush=True)
        options = ["--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--requirement", str(lock)]
        worst = max(worst, run([str(tools / "pip-audit"), *options], {}))
    if worst:
        print("A package has a known hole, or could not be looked up: see above.", file=sys.stderr)
    return worst
