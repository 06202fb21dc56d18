"""From a fresh clone to a running Crossply (``set_up.py run``), finished checks (``test``, ``lint``, ``bench``, ``fuzz``,
``fault-matrix``, ``soak``), packages (``deb``, ``rpm``, ``appimage``, ``windows``, ``macos``) and their test
(``packages-test``); and the lock files that it installs from (``lock``, ``audit``; see ``lock_files``).

Standard library only; run by path with any Python from 3.11 on (``make`` does). Everything that takes long is done once: the
second time each step only looks. What is needed and where it goes: system libraries (apt; named, with the one line that
installs them, where apt may not be used), ``.venv`` in the checkout, llama.cpp's programs and a small real model in the
user's data folder (or below ``CROSSPLY_DATA``). The full output of the steps is in ``.cache/set_up.log``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lock_files
import system_packages
from run_checks import run_benchmarks, run_fault_matrix, run_fuzz, run_lint, run_soak, run_tests
from show_progress import Progress

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG = ROOT / ".cache/set_up.log"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
TOOLS = ROOT / ".cache/tools"
OLDEST = (3, 11)
MEASURING = ("test", "bench", "fault-matrix", "soak")
BUILT_ON = {
    **dict.fromkeys(("deb", "rpm", "appimage", "packages-test"), "linux"),
    "windows": "win32",
    "macos": "darwin",
}
"""Installers, and the only system on which each can be made."""
TARGETS = ("run", "lint", "fuzz", *MEASURING, *BUILT_ON, "lock", "audit")


class StepFailed(Exception):
    """A step cannot go on: one sentence for people."""


def main() -> int:
    """Set up, then do what was asked. Exit status 1: a step failed; else that of what was started."""
    if sys.version_info < OLDEST:
        return use_newer_python()
    target = sys.argv[1] if len(sys.argv) > 1 else "run"
    if target not in TARGETS:
        print(f"usage: set_up.py {'|'.join(TARGETS)}", file=sys.stderr)
        return 2
    if sys.platform != BUILT_ON.get(target, sys.platform):
        return run_packaging(sys.executable, target)  # it says which system it needs
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("", encoding="utf-8")
    steps = steps_for(target)
    progress = Progress(len(steps))
    for name, step in steps:
        progress.step(name)
        try:
            progress.done(step(progress))
        except StepFailed as failure:
            progress.failed(str(failure))
            return 1
        except KeyboardInterrupt:
            progress.failed("Stopped, as asked. Run it again to go on.")
            return 130
    print(f"Set up in {progress.total()}.\n", flush=True)
    return start(target)


def use_newer_python() -> int:
    """Start again with a newer Python of this machine, if there is one."""
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        found = shutil.which(name)
        if found:
            os.execv(found, [found, *sys.argv])
    have = ".".join(map(str, sys.version_info[:2]))
    print(f"Crossply needs Python 3.11 or later; this is {have} ({sys.executable}).", file=sys.stderr)
    return 1


def steps_for(target: str) -> list[tuple[str, Callable[[Progress], str]]]:
    """The steps of each target, in order."""
    if target in BUILT_ON:
        return steps_for_packages(target)
    has_window = has_display()
    steps: list[tuple[str, Callable[[Progress], str]]] = [("this machine", check_machine)]
    if target in ("lock", "audit"):
        return [*steps, ("tools", tools_step)]
    if target in MEASURING:
        steps.append(("system packages", lambda p: system_step(p, system_packages.WINDOW + system_packages.TEST)))
    elif target == "fuzz":
        steps.append(("system packages", lambda p: system_step(p, system_packages.WINDOW)))
    elif target == "run":
        steps.append(("system packages", lambda p: system_step(p, system_packages.WINDOW if has_window else ())))
    else:
        steps.append(("system packages", lambda p: system_step(p, ())))
    steps.append(("Python environment", lambda p: environment_step(p, with_dev=target != "run")))
    if target in MEASURING:
        steps.append(("Vulkan headers", vulkan_headers_step))
        steps.append(("llama.cpp", lambda p: pieces_step(p, "runtime", "--vulkan-headers", read_note("headers"))))
    if target == "run":
        steps.append(("llama.cpp", lambda p: pieces_step(p, "runtime")))
    if target == "fuzz":
        steps.append(("what leads the fuzzing", fuzz_step))
    if target not in ("lint", "fuzz"):
        steps.append(("model gemma-3-270m", lambda p: pieces_step(p, "model")))
    return steps


def steps_for_packages(target: str) -> list[tuple[str, Callable[[Progress], str]]]:
    """Those of the installers: the engine and llama.cpp; the frozen application's own environment makes itself."""
    steps: list[tuple[str, Callable[[Progress], str]]] = [("this machine", check_machine)]
    if sys.platform == "linux":
        # The window's libraries too: icons are drawn with Qt, and some libraries of X go inside.
        wanted = system_packages.WINDOW + system_packages.PACKAGES
        wanted += system_packages.PACKAGES_TEST if target == "packages-test" else ()
        steps.append(("system packages", lambda p: system_step(p, wanted)))
    steps.append(("Python environment", lambda p: environment_step(p, with_dev=False)))
    if sys.platform == "linux":
        steps.append(("Vulkan headers", vulkan_headers_step))
        steps.append(("llama.cpp", lambda p: portable_step(p, "--vulkan-headers", read_note("headers"))))
    else:
        steps.append(("llama.cpp", portable_step))
    if target == "packages-test":
        steps.append(("model gemma-3-270m", lambda p: pieces_step(p, "model")))
    return steps


def start(target: str) -> int:
    """What the set-up was for."""
    if target in BUILT_ON:
        return run_packaging(str(PYTHON), target)
    if target == "test":
        return run_tests(PYTHON, ROOT)
    if target == "lint":
        return run_lint(PYTHON, ROOT)
    if target == "bench":
        return run_benchmarks(PYTHON, ROOT)
    if target in ("lock", "audit"):
        programs = TOOLS / PYTHON.parent.name
        return lock_files.write_locks(programs, run_shown) if target == "lock" else lock_files.audit(programs, run_shown)
    if target == "fuzz":
        return run_fuzz(PYTHON, ROOT, float(os.environ.get("MINUTES", "10")))
    if target in ("fault-matrix", "soak"):
        return (run_soak if target == "soak" else run_fault_matrix)(PYTHON, ROOT)
    scripts = PYTHON.parent
    command = [str(scripts / "crossply")] if has_display() else [str(scripts / "crossplyctl"), "demo"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def run_packaging(python: str, target: str) -> int:
    """Make the installer; for the test all of Linux' first."""
    commands = [["make_package.py", target]]
    if target == "packages-test":
        words = os.environ.get("CROSSPLY_PACKAGES_TEST", "").split()  # "deb --suites bookworm": less than everything
        kinds = [kind for kind in ("deb", "rpm", "appimage") if kind == "deb" or kind in words or not words]
        commands = [*(["make_package.py", kind] for kind in kinds), ["test_packages.py", *words]]
    for script, *words in commands:
        code = subprocess.run([python, f"packaging/{script}", *words], cwd=ROOT, check=False).returncode
        if code != 0:
            return code
    return 0


def has_display() -> bool:
    """Whether a window can be shown."""
    return os.name == "nt" or sys.platform == "darwin" or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))


def check_machine(_: Progress) -> str:
    """Python is new enough (else we were not here); what it runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < 1:
        raise StepFailed(f"{ROOT} is on a disk with only {free:.1f} GB free; the Python environment alone takes 0.5 GB.")
    return f"Python {sys.version.split()[0]}, {cores} cores, {free:.0f} GB free"


def system_step(progress: Progress, wanted: tuple[str, ...]) -> str:
    """Install what is missing, or say with which line it is installed."""
    missing = system_packages.missing_packages(wanted)
    if not missing:
        return "all there"
    if not system_packages.has_apt():
        raise StepFailed(f"These are missing on this machine, please install them: {', '.join(missing)}.")
    prefix = system_packages.apt_prefix()
    if prefix is None:
        line = system_packages.one_line(missing)
        raise StepFailed(f"System packages are missing. This line installs them:\n\n    {line}\n\nThen run this again.")
    if not system_packages.install(missing, prefix, lambda argv, extra: run_logged(progress, argv, extra)):
        raise StepFailed(f"apt-get could not install {' '.join(missing)}.\n{tail_of_log()}")
    return "installed " + " ".join(system_packages.pick_names(missing))


def environment_step(progress: Progress, *, with_dev: bool) -> str:
    """``.venv`` with the package and what its lock names; made again when a lock, pyproject.toml or Python changed."""
    lock = lock_files.DEV if with_dev else lock_files.RUN
    parts = [path.read_bytes() for path in (ROOT / "pyproject.toml", lock_files.BOOTSTRAP, lock_files.RUN, lock_files.DEV)]
    wanted = hashlib.sha256(b"".join(parts) + sys.version.encode()).hexdigest()
    stamp = VENV / f".crossply-{'dev' if with_dev else 'run'}"
    stamps = (stamp, VENV / ".crossply-dev")  # what the tests need holds all that a run needs
    if PYTHON.exists() and any(path.is_file() and path.read_text(encoding="utf-8") == wanted for path in stamps):
        return "up to date"
    make_environment(progress, VENV, PYTHON, lock)
    why = "Crossply itself could not be installed into its environment."
    must_run(progress, lock_files.editable_command(PYTHON, ROOT), why)
    stamp.write_text(wanted, encoding="utf-8")
    return "made"


def fuzz_step(progress: Progress) -> str:
    """Nothing where it has no wheels."""
    why = f"pip could not install what {lock_files.FUZZ.name} names. Check the network and pip's index."
    must_run(progress, lock_files.install_command(PYTHON, lock_files.FUZZ), why)
    return "ready"


def tools_step(progress: Progress) -> str:
    """What writes the locks and audits them, in an environment of its own."""
    make_environment(progress, TOOLS, TOOLS / PYTHON.relative_to(VENV), lock_files.TOOLS)
    return "ready"


def make_environment(progress: Progress, folder: Path, python: Path, lock: Path) -> None:
    """A virtual environment with what is locked."""
    if not python.exists():
        shutil.rmtree(folder, ignore_errors=True)
        must_run(progress, [sys.executable, "-m", "venv", str(folder)], "The virtual environment could not be made.")
    why = f"pip could not install what {lock.name} names. Check the network and pip's index."
    for one in (lock_files.BOOTSTRAP, lock):
        must_run(progress, lock_files.install_command(python, one), why)


def run_shown(argv: list[str], extra: dict[str, str]) -> int:
    """Run it where a person sees what it says."""
    return subprocess.run(argv, cwd=ROOT, env={**os.environ, **extra}, check=False).returncode


def vulkan_headers_step(_: Progress) -> str:
    """Headers for the Vulkan backend: the tests run a genuine Vulkan0 device."""
    folder = ask([str(PYTHON), "packaging/prepare_pieces.py", "folder"], "The data folder is not known.")
    target = str(Path(folder) / "vulkan-headers")
    headers = ask([str(PYTHON), "packaging/fetch_vulkan_headers.py", target], "The Vulkan headers could not be fetched.")
    (LOG.parent / "headers").write_text(headers, encoding="utf-8")
    return headers


def pieces_step(progress: Progress, *arguments: str) -> str:
    """Run ``prepare_pieces.py`` and show what it says."""
    command = [str(PYTHON), "packaging/prepare_pieces.py", *arguments]
    last: dict[str, object] = {}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            log(line)
            try:
                last = json.loads(line)
            except ValueError:
                continue
            fraction = last.get("fraction")
            if isinstance(fraction, float):
                progress.at(str(last.get("detail", "")), fraction)
    if process.returncode != 0:
        raise StepFailed(f"{last.get('error') or tail_of_log()}\n{last.get('details', '')}".strip())
    return str(last.get("result", "ready"))


def portable_step(progress: Progress, *arguments: str) -> str:
    """Our own build of llama.cpp, for the packages; where it is is noted."""
    folder = pieces_step(progress, "portable", *arguments)
    (LOG.parent / "portable_runtime").write_text(folder, encoding="utf-8")
    return folder


def must_run(progress: Progress, argv: list[str], why: str) -> None:
    """Run it; ``StepFailed`` with ``why`` and the last lines when it fails."""
    if run_logged(progress, argv, {}) != 0:
        raise StepFailed(f"{why}\n{tail_of_log()}")


def run_logged(progress: Progress, argv: list[str], extra: dict[str, str]) -> int:
    """Run it with its output in the log; the newest line is shown as the detail."""
    log(f"$ {' '.join(argv)}\n")
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **extra},
    ) as process:
        for line in process.stdout or ():
            log(line)
            if line.strip():
                progress.at(line.strip()[:100])
    return process.returncode


def ask(argv: list[str], why: str) -> str:
    """The one line that a program prints."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    log(done.stderr)
    if done.returncode != 0:
        raise StepFailed(f"{why}\n{done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def read_note(name: str) -> str:
    """What an earlier step wrote down."""
    return (LOG.parent / name).read_text(encoding="utf-8")


def log(text: str) -> None:
    """Keep it for whoever wants to know."""
    with LOG.open("a", encoding="utf-8") as stream:
        stream.write(text)


def tail_of_log() -> str:
    """The last lines, and where the rest is."""
    lines = LOG.read_text(encoding="utf-8").splitlines()[-15:]
    return "\n".join([*lines, f"(all of it: {LOG})"])


if __name__ == "__main__":
    sys.exit(main())
