"""What other people's checkers say of the finished packages, and whether they keep to their sizes.

Every finding of lintian is an error here unless the package's own overrides explain it; rpmlint's are told apart by
``rpmlint.toml``. See ``test_packages.py``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from linux.deb_file import PACKED_FAST
from linux.testing.running import Report, expect
from parts.facts import OUT, ROOT
from parts.installed_files import NODE, WINDOW

MOST_MB = {WINDOW: 120, NODE: 40}
_LINUX = ROOT / "packaging/linux"


def run(_suite: str, _work: Path, report: Report) -> None:
    """Raises ``CommandFailed``."""
    desktop = _LINUX / "org.crossply.Crossply.desktop"
    _silent("desktop-file-validate", str(desktop))
    for package, most in MOST_MB.items():
        deb = next(OUT.glob(f"{package}_{report.facts.version}_*.deb"))
        size = deb.stat().st_size / 1e6
        expect(PACKED_FAST or size <= most, f"{deb.name} has {size:.1f} MB, and may have {most}")
        report.add(deb.name, f"{size:.1f} MB")
        _silent("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags-from-file", "/dev/null", str(deb))
        for rpm in OUT.glob(f"{package}-{report.facts.version}-1.*.rpm"):  # none where only the .deb is asked for
            report.add(rpm.name, f"{rpm.stat().st_size / 1e6:.1f} MB")
            said = _run("rpmlint", "--strict", "--config", str(_LINUX / "rpmlint.toml"), str(rpm))
            expect(said[0] == 0, f"rpmlint on {rpm.name}:\n{said[1]}")


def _silent(*argv: str) -> None:
    code, said = _run(*argv)
    expect(code == 0 and not said.strip(), f"{' '.join(argv)}:\n{said}")


def _run(*argv: str) -> tuple[int, str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
