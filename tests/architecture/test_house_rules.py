"""Rules of the house that no other tool checks: sizes, places of tests, words that must not be in the repository."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
UNTESTED = Path(__file__).with_name("modules_without_own_tests.txt")
# written in pieces: this file is searched too
REGISTRIES = (
    "py" + "pi.org",
    "pythonhosted" + ".org",
    "npm" + "js.",
    "deb.debian" + ".org",
    "archive.ubuntu" + ".com",
    "crates" + ".io",
)
SKIPS = ROOT / "tests/lab/pytest_lab.py"
"""The one place that may skip: tests that need root; with CROSSPLY_NEEDS_LAB=1 and in CI it fails instead."""
PRIVATE = ("/work" + "/main", "/tmp" + "/rt/")


def tracked_files(*patterns):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


def python_files():
    return [path for path in tracked_files("*.py") if path.parts[len(ROOT.parts)] in ("engine", "gui", "packaging", "tests")]


def functions_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_is_too_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_too_long():
    too_long = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": function.end_lineno - function.lineno + 1
        for path in python_files()
        for function in functions_of(path)
        if function.end_lineno - function.lineno + 1 > LONGEST_FUNCTION
    }
    assert too_long == {}


def test_every_module_of_engine_and_gui_says_what_it_is():
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.parts[len(ROOT.parts)] in ("engine", "gui")
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_packaging_is_no_package():
    assert not (ROOT / "packaging" / "__init__.py").exists(), "it would shadow the library `packaging` in a checkout"


def modules_without_own_tests():
    """``engine/x/y.py`` without ``tests/engine/x/test_y.py`` and without a contract suite of its name."""
    missing = []
    for path in tracked_files("engine/*.py"):
        name = path.relative_to(ROOT)
        mirrored = ROOT / "tests" / name.parent / f"test_{name.name}"
        if name.name != "__init__.py" and not mirrored.exists() and not (ROOT / "tests/contract" / mirrored.name).exists():
            missing.append(name.as_posix())
    return missing


# `python tests/architecture/test_house_rules.py > tests/architecture/modules_without_own_tests.txt` makes the list anew
def test_every_module_of_the_engine_has_its_tests_or_is_on_the_list():
    listed = UNTESTED.read_text(encoding="utf-8").split()
    missing = modules_without_own_tests()
    assert sorted(set(missing) - set(listed)) == [], "write tests for these; the list may only shrink"
    assert sorted(set(listed) - set(missing)) == [], "these have tests (or are gone): take them off the list"


@pytest.mark.parametrize("words", [REGISTRIES, PRIVATE], ids=["registry hosts", "private paths"])
def test_words_that_must_not_be_in_the_repository(words):
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        found += [f"{path.relative_to(ROOT)}: {word}" for word in words if word in text]
    assert found == []


def test_no_test_is_skipped_or_expected_to_fail():
    banned = ("pytest." + "skip", "pytest.mark." + "skip", "pytest.mark." + "xfail", "importor" + "skip", "unittest." + "skip")
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked_files("tests/*.py")
        for word in banned
        if path != SKIPS and word in path.read_text(encoding="utf-8")
    ]
    assert found == []


if __name__ == "__main__":
    print("\n".join(modules_without_own_tests()))


DATES_ONLY = (
    "engine/runtimes/worker_cache.py",
    "engine/session/session.py",
    "engine/session/telling/logs.py",
    "engine/settings/on_disk/leftovers.py",
    "gui/tabs/detail_tabs.py",
    "gui/tabs/logs_tab.py",
)
"""Where ``time.time`` makes a date of a moment, or is held against the dates of files."""


def test_nothing_is_timed_with_the_wall_clock():
    """It jumps when somebody sets it, and when a laptop wakes: no time-out, no duration and no order may come from it."""
    programs = [path for path in python_files() if path.parts[len(ROOT.parts)] in ("engine", "gui")]
    users = {
        str(path.relative_to(ROOT)) for path in programs if re.search(r"\btime\.time\b", path.read_text(encoding="utf-8"))
    }
    assert users == set(DATES_ONLY)
