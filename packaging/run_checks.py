"""What ``make test``, ``lint``, ``bench``, ``fuzz``, ``fault-matrix`` and ``soak`` run. Standard library only.

All checks run even when one fails: whoever waits for a CI run wants to know everything. pytest comes last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

LINT = (
    ("ruff", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("import-linter", ["-c", "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"]),
    ("vulture", ["-m", "vulture"]),
)
WITHOUT_QT = ["-m", "pytest", "-q", "-p", "no:pytest-qt", "-m", "not real and not display", "tests/engine"]
REAL_ENGINE = ["-m", "pytest", "-q", "-m", "real or display", "tests/engine"]
"""The rest of them: nothing is run twice, which took four minutes."""
GUI_TESTS = ["-m", "pytest", "-q", "tests/gui"]
"""In a process of their own, as in the application: no threads and no garbage of 25 minutes of other tests beside Qt."""
OTHER_TESTS = ["-m", "pytest", "--ignore=tests/engine", "--ignore=tests/gui"]
FUZZ_EXAMPLES = 300
"""Of each reader in a round, which takes some minutes."""


def run_lint(python: Path, root: Path) -> int:
    """Style, types, rings, dead code."""
    return _report([(name, _run(name, [str(python), *arguments], root)) for name, arguments in LINT])


def run_tests(python: Path, root: Path) -> int:
    """Lint, the engine's tests with Qt blocked, then all other tests."""
    results = [(name, _run(name, [str(python), *arguments], root)) for name, arguments in LINT]
    blocked = {"CROSSPLY_TEST_WITHOUT_QT": "1"}
    results.append(("engine without Qt", _run("engine without Qt", [str(python), *WITHOUT_QT], root, blocked)))
    for name, arguments in (("engine with real programs", REAL_ENGINE), ("gui", GUI_TESTS), ("all other tests", OTHER_TESTS)):
        results.append((name, _run(name, [str(python), *arguments], root, _lab_or_failure())))
    return _report(results)


def run_benchmarks(python: Path, root: Path) -> int:
    """Every script of tests/benchmarks and of its folders that are no packages, one after the other."""
    found = (root / "tests/benchmarks").rglob("*.py")
    scripts = sorted(script for script in found if not (script.parent / "__init__.py").exists())
    if not scripts:
        print("There is no benchmark in tests/benchmarks.", file=sys.stderr)
        return 1
    # As modules: run by path they would not find ``tests``.
    modules = [".".join(script.relative_to(root).with_suffix("").parts) for script in scripts]
    return _report([(module, _run(module, [str(python), "-m", module], root)) for module in modules])


def run_fuzz(python: Path, root: Path, minutes: float) -> int:
    """The readers of foreign bytes, until the time is up or something was found: half of it with spoilt documents, other ones
    in every round, half led by which lines were reached. A find lies in ``.cache/fuzz-finds``."""
    led = subprocess.run([str(python), "-c", "import atheris"], check=False, capture_output=True).returncode == 0
    minutes = minutes / 2 if led else minutes
    ends = time.monotonic() + 60 * minutes
    argv = [str(python), "-m", "pytest", "-q", "-x", "--timeout=3600", "tests/fuzz/test_fuzz.py"]
    rounds = 0
    good = True
    while good and (rounds == 0 or time.monotonic() < ends):
        rounds += 1
        good = _run(f"fuzz, round {rounds}", argv, root, {"CROSSPLY_FUZZ_EXAMPLES": str(FUZZ_EXAMPLES)})
    results = [(f"fuzz, {rounds} rounds", good)]
    if led and good:
        good = _run("led by coverage", [str(python), "-m", "tests.fuzz.coverage_guided", "--minutes", str(minutes)], root)
        results.append(("fuzz led by coverage", good))
    if not led:
        print("Atheris has no wheel for this machine: not led by coverage.", flush=True)
    if not good:
        print(
            "Found something: see .cache/fuzz-finds. Mend it, say in its first line what it was, and move it to",
            flush=True,
        )
        print("tests/fuzz/cases/READER-WHAT.case, where every test run reads it again.", flush=True)
    return _report(results)


def run_fault_matrix(python: Path, root: Path) -> int:
    """100 kill -9 trials and one of each other cell: docs/fault_matrix.md is written anew."""
    arguments = ["-m", "tests.faults.matrix", "--write", "docs/fault_matrix.md"]
    return _report([("fault matrix", _run("fault matrix", [str(python), *arguments], root))])


def run_soak(python: Path, root: Path) -> int:
    """An hour of prompts with a fault every 20 s."""
    arguments = ["-m", "tests.faults.soak", "--log", ".cache/soak.csv"]
    return _report([("soak", _run("soak", [str(python), *arguments], root))])


def _lab_or_failure() -> dict[str, str]:
    """As root and in CI the tests on machines in miniature must run; elsewhere they skip and say so."""
    needed = os.geteuid() == 0 or bool(os.environ.get("CI"))
    return {"CROSSPLY_NEEDS_LAB": os.environ.get("CROSSPLY_NEEDS_LAB", "1" if needed else "0")}


def _run(name: str, argv: list[str], root: Path, extra: dict[str, str] | None = None) -> bool:
    print(f"--- {name}", flush=True)
    begun = time.monotonic()
    code = subprocess.run(
        argv, cwd=root, stdin=subprocess.DEVNULL, env={**os.environ, **(extra or {})}, check=False
    ).returncode
    print(
        f"--- {name}: {'ok' if code == 0 else f'FAILED (exit status {code})'}, {time.monotonic() - begun:.1f} s\n", flush=True
    )
    return code == 0


def _report(results: list[tuple[str, bool]]) -> int:
    print("; ".join(f"{name}: {'ok' if good else 'FAILED'}" for name, good in results), flush=True)
    return 0 if all(good for _, good in results) else 1
