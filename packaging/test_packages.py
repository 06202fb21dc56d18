"""``make packages-test``: every Linux package installed, run, upgraded and removed in a fresh root, for real.

``test_packages.py [lint] [deb] [rpm] [appimage] [--suites bookworm,trixie]``. As root, on Debian or one of its children
(debootstrap, chroot, mount and network namespaces). What it does for each kind and suite:

- the version before is installed (the same files as 0.0.1, and one that the new version has not), then the new one over it;
- as a plain user, without any network but a loopback: ``--version``, ``doctor``, ``node``, ``demo`` on the small model (from
  outside: no package has it), and the window on an X server outside, photographed and counted for colours;
- it is removed, and the list of all files is what it was before, but for the user's own folder.

What is measured is printed at the end and written to ``build/packages/test/report.json``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fetch_vulkan_headers import read_os_release
from linux.testing import deb_test, lint_test, portable_test, rpm_test
from linux.testing.fresh_root import CommandFailed
from linux.testing.running import Report
from parts.facts import BUILD, read_facts

WORK = BUILD / "test"
KINDS: dict[str, Callable[[str, Path, Report], None]] = {
    "lint": lint_test.run,
    "deb": deb_test.run,
    "rpm": rpm_test.run,
    "appimage": portable_test.run,
}
SUITES = {"debian": ("bookworm", "trixie"), "ubuntu": ("jammy", "noble")}
"""Of this machine's own archive, which is the one that surely can be reached."""
_INSIDE = "CROSSPLY_IN_NAMESPACE"


def main() -> int:
    """See the module's docstring. Exit status 1: something is wrong; 2: it cannot be tested here."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        print("make packages-test needs root and debootstrap (Debian, Ubuntu: apt-get install debootstrap).", file=sys.stderr)
        return 2
    if os.environ.get(_INSIDE) != "1":
        enter = ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, *sys.argv[1:]]
        return subprocess.run(enter, env={**os.environ, _INSIDE: "1"}, check=False).returncode
    words = sys.argv[1:]
    suites = tuple(words[words.index("--suites") + 1].split(",")) if "--suites" in words else own_suites()
    kinds = [word for word in words if word in KINDS] or list(KINDS)
    WORK.mkdir(parents=True, exist_ok=True)
    report = Report(facts=read_facts(), folder=WORK)
    todo = [(kind, suite) for kind in kinds for suite in (suites if kind != "lint" else ("all",))]
    wrong = [what for kind, suite in todo for what in _one(kind, suite, report)]
    (WORK / "report.json").write_text(json.dumps(report.rows, indent=1), encoding="utf-8")
    report.print_all()
    print("packages-test: " + ("ok" if not wrong else "FAILED: " + "; ".join(wrong)), flush=True)
    return 1 if wrong else 0


def own_suites() -> tuple[str, ...]:
    """Those of this machine's distribution."""
    release = read_os_release(Path("/etc/os-release").read_text(encoding="utf-8"))
    return SUITES.get(release.get("ID", ""), SUITES["debian"])


def _one(kind: str, suite: str, report: Report) -> Iterator[str]:
    """One test; gives its name when it failed."""
    begun = time.monotonic()
    print(f"--- {kind} in {suite}", flush=True)
    try:
        with _work_folder(kind, suite) as work:
            KINDS[kind](suite, work, report)
    except (CommandFailed, AssertionError, OSError, subprocess.CalledProcessError) as error:
        print(f"--- {kind} in {suite}: FAILED after {time.monotonic() - begun:.0f} s: {error}\n", flush=True)
        yield f"{kind} in {suite}"
        return
    print(f"--- {kind} in {suite}: ok, {time.monotonic() - begun:.0f} s\n", flush=True)
    report.add(f"{kind} in {suite}, the whole test", f"{time.monotonic() - begun:.0f} s")


@contextmanager
def _work_folder(kind: str, suite: str) -> Iterator[Path]:
    """On a file system that an overlay may be put on (tmpfs where /tmp itself is an overlay)."""
    work = WORK / f"{kind}-{suite}"
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(work), "-o", "size=3g"], check=True)
    try:
        yield work
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(work)], check=False)
        work.rmdir()


if __name__ == "__main__":
    sys.exit(main())
