"""What a package installs beside the frozen application and llama.cpp: one line a file.

``source`` is a path in the checkout, or below ``build/packages/made`` with ``made:`` (what ``made_files.py`` and others make
before packing). ``packages`` says who gets it. Adding a file is adding a line; that no source is missing is checked when
packing, and by ``tests/packaging``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from parts.facts import BUILD, ROOT

WINDOW, NODE = "crossply", "crossply-node"
BOTH = (WINDOW, NODE)
MADE = BUILD / "made"
APPLICATION = "/usr/lib/crossply"
"""The frozen application and, below ``runtimes``, llama.cpp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One file. ``{package}`` in either path stands for the package's name."""

    source: str
    to: str
    packages: tuple[str, ...] = BOTH
    mode: int = 0o644
    config: bool = False
    """The administrator may change it: an upgrade keeps it."""

    def source_path(self, package: str) -> Path:
        """Where it is now."""
        name = self.source.format(package=package)
        return MADE / name.removeprefix("made:") if name.startswith("made:") else ROOT / name

    def target(self, package: str) -> str:
        """Where it goes."""
        return self.to.format(package=package)


ICON_SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
"""Those that ``made_icons`` draws."""

FILES = (
    Installed(source="made:{package}/copyright", to="/usr/share/doc/{package}/copyright"),
    Installed(source="made:{package}/changelog.gz", to="/usr/share/doc/{package}/changelog.gz"),
    Installed(source="made:{package}/licences.txt.gz", to="/usr/share/doc/{package}/licences.txt.gz"),
    Installed(source="made:{package}/sbom.cdx.json", to="/usr/share/doc/{package}/sbom.cdx.json"),
    Installed(source="made:crossplyctl.1.gz", to="/usr/share/man/man1/crossplyctl.1.gz"),
    Installed(source="made:crossply.1.gz", to="/usr/share/man/man1/crossply.1.gz", packages=(WINDOW,)),
    Installed(source="made:completions/crossplyctl.bash", to="/usr/share/bash-completion/completions/crossplyctl"),
    Installed(source="made:completions/_crossplyctl", to="/usr/share/zsh/vendor-completions/_crossplyctl"),
    Installed(source="made:completions/crossplyctl.fish", to="/usr/share/fish/vendor_completions.d/crossplyctl.fish"),
    Installed(
        source="made:completions/crossply.bash", to="/usr/share/bash-completion/completions/crossply", packages=(WINDOW,)
    ),
    Installed(source="made:completions/_crossply", to="/usr/share/zsh/vendor-completions/_crossply", packages=(WINDOW,)),
    Installed(
        source="made:completions/crossply.fish", to="/usr/share/fish/vendor_completions.d/crossply.fish", packages=(WINDOW,)
    ),
    Installed(source="README.md", to="/usr/share/doc/{package}/README.md"),
    Installed(source="packaging/linux/crossply-node@.service", to="/usr/lib/systemd/system/crossply-node@.service"),
    Installed(source="docs/administration.md", to="/usr/share/doc/{package}/administration.md"),
    Installed(source="packaging/linux/policy.toml", to="/etc/crossply/policy.toml", config=True),
    Installed(source="packaging/linux/{package}.lintian-overrides", to="/usr/share/lintian/overrides/{package}"),
    Installed(
        source="packaging/linux/org.crossply.Crossply.desktop",
        to="/usr/share/applications/org.crossply.Crossply.desktop",
        packages=(WINDOW,),
    ),
    Installed(
        source="packaging/linux/org.crossply.Crossply.metainfo.xml",
        to="/usr/share/metainfo/org.crossply.Crossply.metainfo.xml",
        packages=(WINDOW,),
    ),
    Installed(
        source="packaging/linux/org.crossply.Crossply.mime.xml",
        to="/usr/share/mime/packages/org.crossply.Crossply.xml",
        packages=(WINDOW,),
    ),
    *(
        Installed(
            source=f"made:icons/{size}x{size}.png",
            to=f"/usr/share/icons/hicolor/{size}x{size}/apps/org.crossply.Crossply.png",
            packages=(WINDOW,),
        )
        for size in ICON_SIZES
    ),
    Installed(
        source="resources/icons/crossply.svg",
        to="/usr/share/icons/hicolor/scalable/apps/org.crossply.Crossply.svg",
        packages=(WINDOW,),
    ),
)

LINKS = (
    ("/usr/bin/crossply", "../lib/crossply/crossply", (WINDOW,)),
    ("/usr/bin/crossplyctl", "../lib/crossply/crossplyctl", BOTH),
)
"""Link, what it points to, packages."""


ZSH_OF_DEBIAN, ZSH = "/usr/share/zsh/vendor-completions/", "/usr/share/zsh/site-functions/"
"""Where zsh looks for the completions of packages: Debian's, and everybody else's."""


def files_of(package: str, kind: str = "deb") -> list[tuple[Path, str, Installed]]:
    """(Source, target, line) for a package of a kind: ``deb``, ``rpm``, ``portable``. Raises ``FileNotFoundError`` with all
    that lack."""
    lines = [line for line in FILES if package in line.packages and (kind == "deb" or "/lintian/" not in line.to)]
    zsh = ZSH_OF_DEBIAN if kind == "deb" else ZSH
    found = [(line.source_path(package), line.target(package).replace(ZSH_OF_DEBIAN, zsh), line) for line in lines]
    lacking = [str(source) for source, _, _ in found if not source.is_file()]
    if lacking:
        raise FileNotFoundError(f"files of the package {package} are missing: {', '.join(lacking)}")
    return found


def links_of(package: str) -> list[tuple[str, str]]:
    """(Link, what it points to)."""
    return [(link, to) for link, to, packages in LINKS if package in packages]
