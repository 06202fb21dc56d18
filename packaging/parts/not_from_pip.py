"""What is inside a package that pip knows nothing of: CPython, llama.cpp, and libraries of the machine that it was frozen on.

Which libraries those are is read from PyInstaller's own list of what it collected; who made them, from dpkg, where there is
one. Elsewhere they are named by their files, without a version and without a text.
"""

from __future__ import annotations

import ast
import platform
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parts.facts import BUILD, ROOT
from parts.freeze import FROZEN, VENV

LLAMA_CPP = ROOT / "packaging/licences/llama.cpp.txt"
_LISTS = {"crossply": "COLLECT-00.toc", "crossply-node": "COLLECT-01.toc"}
_DOC = Path("/usr/share/doc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of them."""

    name: str
    version: str
    licence: str
    """SPDX; empty where only the text says it."""
    text: str
    purl: str


def parts_not_from_pip(package: str) -> list[Part]:
    """Of the frozen ``package``, by name."""
    return sorted([cpython(), *libraries(package)], key=lambda part: part.name)


def as_components(parts: list[Part]) -> list[dict[str, object]]:
    """For a bill of materials."""
    found: list[dict[str, object]] = []
    for part in parts:
        component = {"type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl}
        found.append(component | ({"licenses": [{"license": {"id": part.licence}}]} if part.licence else {}))
    return found


def cpython() -> Part:
    """The Python that freezes: its library and its standard modules are inside."""
    version = platform.python_version()
    places = (Path(sysconfig.get_path("stdlib")) / "LICENSE.txt", _DOC / "libpython3-stdlib/copyright")
    text = next((place.read_text(encoding="utf-8", errors="replace") for place in places if place.is_file()), "")
    return Part(name="CPython", version=version, licence="PSF-2.0", text=text, purl=f"pkg:generic/cpython@{version}")


def libraries(package: str) -> Iterator[Part]:
    """Those of the machine, by the package that they came with."""
    found = {owner(path) for path in collected_from_the_machine(package)}
    for name, version in sorted(found):
        told = _DOC / name / "copyright"
        text = told.read_text(encoding="utf-8", errors="replace") if told.is_file() else ""
        purl = f"pkg:deb/debian/{name}@{version}" if version else f"pkg:generic/{name}"
        yield Part(name=name, version=version, licence="", text=text, purl=purl)


def collected_from_the_machine(package: str) -> list[Path]:
    """Files that PyInstaller took from outside Python, its packages and the checkout."""
    listed = ast.literal_eval((BUILD / "work/crossply" / _LISTS[package]).read_text(encoding="utf-8"))
    python = Path(sysconfig.get_config_var("installed_base")).resolve()
    inside = {path.name for path in (FROZEN / package / "_internal").glob("*")}
    found = []
    for name, source, kind in _entries(listed):
        path = Path(source)
        ours = any(path.is_relative_to(place) for place in (VENV, ROOT)) or _is_of_python(path, python)
        if kind == "BINARY" and path.is_absolute() and name in inside and not ours:
            found.append(path)
    return found


def _is_of_python(path: Path, python: Path) -> bool:
    if "libpython" in path.name or "lib-dynload" in path.parts:
        return True
    return python != Path("/usr") and path.resolve().is_relative_to(python)


def _entries(listed: object) -> Iterator[tuple[str, str, str]]:
    """(Name, source, kind) of every line, however deep it lies."""
    if isinstance(listed, tuple) and len(listed) == 3 and all(isinstance(word, str) for word in listed):
        yield listed
    elif isinstance(listed, (list, tuple)):
        for below in listed:
            yield from _entries(below)


def owner(path: Path) -> tuple[str, str]:
    """(Name, version) of the Debian package that ``path`` came with; (file's name, "") where nobody knows."""
    if shutil.which("dpkg") is None:
        return path.name, ""
    for place in (path, Path("/usr") / path.relative_to("/"), path.resolve()):  # dpkg knows a merged /usr by one of its names
        said = subprocess.run(["dpkg", "-S", str(place)], capture_output=True, text=True, check=False).stdout
        if match := re.match(r"([^:,\s]+)(:\S+)?: ", said):
            asked = ["dpkg-query", "-W", "-f", "${Version}", match[1] + (match[2] or "")]
            return match[1], subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return path.name, ""
