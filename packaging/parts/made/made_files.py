"""Files of the packages that are made when packing: changelog, copyright, and the licences of everything inside."""

from __future__ import annotations

import email.utils
import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import lock_files
from parts.facts import BUILD, MAINTAINER, ROOT, Facts
from parts.freeze import PYTHON, VENV
from parts.installed_files import BOTH, MADE, NODE
from parts.not_from_pip import LLAMA_CPP, as_components, parts_not_from_pip

_NO_TEXT = "(no text in the package)"
_ONLY_WINDOW = ("pyside6", "shiboken6", "pyqtgraph", "colorama")


def make_files(facts: Facts) -> None:
    """All of them, for both packages."""
    MADE.mkdir(parents=True, exist_ok=True)
    for page in sorted((ROOT / "packaging/linux/man").glob("*.1")):
        write_gz(MADE / f"{page.name}.gz", page.read_text(encoding="utf-8"))
    for package in BOTH:
        folder = MADE / package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "copyright").write_text(copyright_text(), encoding="utf-8")
        write_gz(folder / "changelog.gz", changelog_text(package, facts))
        write_gz(folder / "licences.txt.gz", licences_text(package))
        components = as_components(parts_not_from_pip(package))
        (folder / "not-from-pip.json").write_text(json.dumps(components), encoding="utf-8")


def make_documents(facts: Facts) -> None:
    """Completions, icons, bills of materials. They are made by the frozen environment's Python, which has what
    the programs need, with tools from a folder beside it, so that none of them is taken for a part of Crossply."""
    tools = BUILD / "documentation-tools"
    stamp = tools / ".made-of"
    wanted = lock_files.DOCUMENTS.read_text(encoding="utf-8")
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        shutil.rmtree(tools, ignore_errors=True)
        pip = lock_files.install_command(PYTHON, lock_files.DOCUMENTS)
        subprocess.run([*pip, "--quiet", "--target", str(tools)], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tools), "SOURCE_DATE_EPOCH": str(facts.epoch)}
    todo = [["made_completions.py", str(MADE / "completions")], ["made_icons.py", str(MADE / "icons")]]
    for package in BOTH:
        bill, also = (str(MADE / package / name) for name in ("sbom.cdx.json", "not-from-pip.json"))
        todo.append(["made_sbom.py", str(PYTHON), bill, *_inside(package), "--also", also])
    for script, *arguments in todo:
        command = [str(PYTHON), str(Path(__file__).with_name(script)), *arguments]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _inside(package: str) -> list[str]:
    return sorted(fields.get("name", "") for _folder, fields in _distributions(package))


def write_gz(path: Path, text: str) -> None:
    """Without name and time: the same bytes for the same text."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as stream:
        stream.write(text.encode("utf-8"))


def changelog_text(package: str, facts: Facts) -> str:
    """As Debian wants it; what changed is told in the README and in CHANGELOG.md of the source."""
    date = email.utils.formatdate(facts.epoch)
    entry = "  * See CHANGELOG.md of the source."
    return f"{package} ({facts.version}) unstable; urgency=medium\n\n{entry}\n\n -- {MAINTAINER}  {date}\n"


def copyright_text() -> str:
    """Machine-readable (DEP-5), with Crossply's own licence; the others are named and told in full beside it."""
    licence = "\n".join(f" {line}" if line else " ." for line in _own_licence().splitlines())
    return (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        "Upstream-Name: Crossply\n"
        "Comment: The package carries llama.cpp (MIT), CPython (PSF), and Python packages under their own licences;\n"
        " the texts are in licences.txt.gz. Qt and PySide6 are used under the LGPL 3\n"
        " (/usr/share/common-licenses/LGPL-3): they are separate, exchangeable libraries in\n"
        " /usr/lib/crossply/_internal/PySide6.\n"
        "\n"
        "Files: *\n"
        f"Copyright: {_own_holder()}\n"
        "License: Expat\n"
        f"{licence}\n"
    )


def _own_licence() -> str:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8").strip()
    return text[text.index("Permission is hereby") :]


def _own_holder() -> str:
    match = re.search(r"Copyright \(c\) (.*)", (ROOT / "LICENSE").read_text(encoding="utf-8"))
    return match[1] if match else "The Crossply developers"


def licences_text(package: str) -> str:
    """Everything that is inside, with version, licence and the texts that it carries."""
    parts = [f"{'=' * 78}\n{title}\n{'=' * 78}\n{text.strip()}\n" for title, text in sorted(_licences(package))]
    return "\n".join(parts)


def _distributions(package: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Of the Python packages that are inside: where they are described, and their fields."""
    lines = lock_files.RUN.read_text(encoding="utf-8").splitlines()
    locked = {plain_name(line.partition("==")[0]) for line in lines if "==" in line}
    for folder in sorted(VENV.glob("lib/python3*/site-packages/*.dist-info")):
        fields = _fields(folder / "METADATA")
        name = plain_name(fields.get("name", folder.name))
        if name in locked and not (package == NODE and name.startswith(_ONLY_WINDOW)):
            yield folder, fields


def plain_name(name: str) -> str:
    """Names of Python packages that mean the same."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _licences(package: str) -> Iterator[tuple[str, str]]:
    yield "llama.cpp (MIT and others)", LLAMA_CPP.read_text(encoding="utf-8")
    for part in parts_not_from_pip(package):
        yield f"{part.name} {part.version} ({part.licence or 'see the text'})", part.text or _NO_TEXT
    for folder, fields in _distributions(package):
        name = fields.get("name", folder.name)
        texts = [path for path in sorted(folder.rglob("*")) if re.match(r"(?i)(licen[cs]e|copying|notice)", path.name)]
        said = fields.get("license-expression") or fields.get("license", "").partition("\n")[0] or "see the text"
        read = "\n\n".join(path.read_text(encoding="utf-8", errors="replace") for path in texts if path.is_file())
        yield f"{name} {fields.get('version', '')} ({said})", read or _common_text(said) or _NO_TEXT


def _common_text(licence: str) -> str:
    """The LGPL, which Qt's packages name and do not carry; from where Debian keeps it."""
    files = [Path("/usr/share/common-licenses") / name for name in ("LGPL-3", "GPL-3")]
    if "LGPL-3" not in licence or not all(file.is_file() for file in files):
        return ""
    return "\n\n".join(file.read_text(encoding="utf-8") for file in files)


def _fields(metadata: Path) -> dict[str, str]:
    lines = metadata.read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    pairs = (line.partition(": ") for line in lines)
    return {key.lower(): value for key, separator, value in pairs if separator}
