"""Vulkan headers that are recent enough for llama.cpp, for the tests of a hybrid machine. Prints the folder that holds them.

The system's own when they will do; else those of the distribution's next release, unpacked into a private folder (nothing is
installed, no root needed). The address is the one that this machine's apt uses: only the release's name is replaced.
Standard library only; run by path: ``fetch_vulkan_headers.py FOLDER``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NEXT_RELEASE = {"debian": "trixie", "ubuntu": "noble"}
PACKAGES = ("libvulkan-dev", "spirv-headers")


def main() -> int:
    """See the module's docstring."""
    target = Path(sys.argv[1])
    for place in (Path("/usr"), target / "usr"):
        if are_recent(place):
            print(place)
            return 0
    release = read_os_release(Path("/etc/os-release").read_text(encoding="utf-8"))
    suite = NEXT_RELEASE.get(release.get("ID", ""))
    if suite is None or shutil.which("apt-get") is None:
        print(
            "The Vulkan headers of this system are too old (1.3.268 or later is needed, with SPIRV-Headers).", file=sys.stderr
        )
        return 1
    sources = apt_sources(Path("/etc/apt"), release.get("VERSION_CODENAME", ""), suite)
    shutil.rmtree(target, ignore_errors=True)
    fetch(target, sources)
    if not are_recent(target / "usr"):
        print(f"The Vulkan headers of {suite} were fetched, but are not what is needed.", file=sys.stderr)
        return 1
    print(target / "usr")
    return 0


def are_recent(place: Path) -> bool:
    """Whether ``place`` has the extension that llama.cpp needs, the C++ header, and SPIRV-Headers."""
    header = place / "include/vulkan/vulkan_core.h"
    return (
        header.is_file()
        and b"VK_EXT_layer_settings" in header.read_bytes()
        and (place / "include/vulkan/vulkan.hpp").is_file()
        and any(place.glob("*/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake"))
    )


def read_os_release(text: str) -> dict[str, str]:
    """``ID``, ``VERSION_CODENAME`` and the rest."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key: value.strip('"') for key, value in pairs}


def apt_sources(etc_apt: Path, codename: str, suite: str) -> list[str]:
    """This machine's entries for its own release, with the next one's name, as one-line sources."""
    found = []
    for path in sorted((etc_apt / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            found += from_stanza(stanza, codename, suite)
    for path in [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            found += [
                line for raw in path.read_text(encoding="utf-8").splitlines() for line in from_line(raw, codename, suite)
            ]
    return found


def from_stanza(stanza: str, codename: str, suite: str) -> list[str]:
    """One entry in the deb822 form."""
    lines = (line for line in stanza.splitlines() if not line.lstrip().startswith("#"))
    fields = {key.lower(): value.strip() for line in lines if ":" in line for key, value in [line.split(":", 1)]}
    if codename not in fields.get("suites", "").split() or "deb" not in fields.get("types", "").split():
        return []
    signed = f"[signed-by={fields['signed-by']}] " if fields.get("signed-by", "").startswith("/") else ""
    components = fields.get("components", "main")
    return [f"deb {signed}{address} {suite} {components}" for address in fields.get("uris", "").split()]


def from_line(line: str, codename: str, suite: str) -> list[str]:
    """One entry in the one-line form."""
    match = re.match(r"^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$", line.strip())
    if match is None or match[3] != codename:
        return []
    return [f"deb {match[1] or ''}{match[2]} {suite} {match[4]}"]


def fetch(target: Path, sources: list[str]) -> None:
    """Lists and packages into ``target``, unpacked there. Raises ``CalledProcessError``."""
    lists, cache = target / "lists", target / "cache"
    for folder in (lists / "partial", cache / "archives/partial", target / "parts"):
        folder.mkdir(parents=True, exist_ok=True)
    source_list = target / "sources.list"
    source_list.write_text("\n".join(sources) + "\n", encoding="utf-8")
    apt = ["apt-get", "-o", f"Dir::Etc::sourcelist={source_list}", "-o", f"Dir::Etc::sourceparts={target / 'parts'}"]
    apt += ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}", "-o", "Acquire::Languages=none"]
    apt += ["-o", "APT::Sandbox::User="] if os.geteuid() == 0 else []
    subprocess.run([*apt, "update"], check=True, stdout=sys.stderr)
    subprocess.run([*apt, "download", *PACKAGES], check=True, stdout=sys.stderr, cwd=cache)
    for package in cache.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(target)], check=True)
    shutil.rmtree(lists)


if __name__ == "__main__":
    sys.exit(main())
