"""The application and its disk image for macOS, made on macOS: hardened runtime, entitlements, notarized. Never run yet.

With ``CROSSPLY_IDENTITY`` (a "Developer ID Application" in the keychain) it is signed, from the inside out as Apple asks, and
with ``CROSSPLY_NOTARY_PROFILE`` (``xcrun notarytool store-credentials``) notarized and stapled; without, it is signed ad hoc,
and a user must allow it in the system settings. hdiutil and not dmgbuild: the system's own tool, and no picture to lay out.
"""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

from make_package import prepare
from parts.facts import BUILD, OUT, ROOT, Facts
from parts.freeze import FROZEN

IDENTITY, PROFILE = "CROSSPLY_IDENTITY", "CROSSPLY_NOTARY_PROFILE"
ENTITLEMENTS = ROOT / "packaging/macos/entitlements.plist"
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


def make_image(facts: Facts) -> Path:
    """Raises ``CalledProcessError``."""
    prepare(facts)
    app = BUILD / "macos/Crossply.app"
    shutil.rmtree(app.parent, ignore_errors=True)
    shutil.copytree(FROZEN / "Crossply.app", app, symlinks=True)
    # Everything in MacOS counts as code and would have to be signed, manifest.json too; beside the program there is a link.
    shutil.copytree(BUILD / "runtimes", app / "Contents/Resources/runtimes", symlinks=True)
    (app / "Contents/MacOS/runtimes").symlink_to("../Resources/runtimes")
    add_document_types(app / "Contents/Info.plist")
    sign(app)
    (app.parent / "Applications").symlink_to("/Applications")
    target = OUT / f"Crossply-{facts.version}-{facts.machine}.dmg"
    target.unlink(missing_ok=True)
    source = ["-volname", "Crossply", "-srcfolder", str(app.parent), "-format", "ULFO"]
    subprocess.run(["hdiutil", "create", "-quiet", *source, str(target)], check=True)
    notarize(target)
    return target


def add_document_types(info: Path) -> None:
    """GGUF models and cluster files open with a double click."""
    plist = plistlib.loads(info.read_bytes())
    plist["CFBundleDocumentTypes"] = [
        {"CFBundleTypeName": "GGUF model", "CFBundleTypeExtensions": ["gguf"], "CFBundleTypeRole": "Viewer"},
        {"CFBundleTypeName": "Crossply cluster", "CFBundleTypeExtensions": ["crossply.toml"], "CFBundleTypeRole": "Editor"},
    ]
    plist["NSLocalNetworkUsageDescription"] = "Crossply finds and reaches the machines of your lab."
    info.write_bytes(plistlib.dumps(plist))


def sign(app: Path) -> None:
    """Libraries and programs first, the bundle last: --deep is not for this."""
    command = ["codesign", "--force", "--options", "runtime", "--entitlements", str(ENTITLEMENTS)]
    command += ["--sign", os.environ.get(IDENTITY, "-"), *(["--timestamp"] if os.environ.get(IDENTITY) else [])]
    inside = [path for path in sorted(app.rglob("*"), reverse=True) if path.is_file() and not path.is_symlink()]
    for path in inside:
        if path.read_bytes()[:4] in _MACH_O:
            subprocess.run([*command, str(path)], check=True)
    subprocess.run([*command, str(app)], check=True)
    subprocess.run(["codesign", "--verify", "--strict", "--deep", str(app)], check=True)


def notarize(image: Path) -> None:
    """Where a profile is named."""
    profile = os.environ.get(PROFILE)
    if profile:
        subprocess.run(["xcrun", "notarytool", "submit", str(image), "--keychain-profile", profile, "--wait"], check=True)
        subprocess.run(["xcrun", "stapler", "staple", str(image)], check=True)
