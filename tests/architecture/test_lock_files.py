"""The lock files: nothing is installed that they do not name with a hash, and they name all that pyproject.toml asks for."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("packaging_lock_files", ROOT / "packaging/lock_files.py")
lock_files = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(lock_files)
SYSTEMS = [
    {"sys_platform": platform, "platform_system": name, "os_name": os_name, "python_version": version,
     "python_full_version": f"{version}.4", "platform_python_implementation": "CPython", "implementation_name": "cpython"}
    for platform, name, os_name in (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
    for version in ("3.11", "3.12", "3.13")
]  # fmt: skip


def entries(lock):
    """(requirement, number of its hashes)."""
    whole = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in whole.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [(Requirement(re.split(r"\s--hash", line)[0].strip()), len(re.findall(r"--hash=sha256:[0-9a-f]{64}", line)))
            for line in lines]  # fmt: skip


def locked(lock, system):
    """Name -> version on one system."""
    chosen = [one for one, _ in entries(lock) if one.marker is None or one.marker.evaluate(system)]
    names = [canonicalize_name(one.name) for one in chosen]
    assert len(set(names)) == len(names), "two versions of one package on one system"
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in chosen}


def wanted(lock):
    """What it is made of."""
    if lock in (lock_files.RUN, lock_files.DEV):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return [*project["dependencies"], *(project["optional-dependencies"]["dev"] if lock == lock_files.DEV else ())]
    lines = lock.with_suffix(".in").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("lock", lock_files.SOURCES, ids=lambda lock: lock.stem)
def test_every_package_is_pinned_to_one_version_and_its_hashes_and_no_address_is_named(lock):
    assert entries(lock)
    for requirement, n_hashes in entries(lock):
        assert [one.operator for one in requirement.specifier] == ["=="], requirement
        assert n_hashes > 0, requirement
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://| @ |--index|--extra|--find", text)


@pytest.mark.parametrize("lock", lock_files.SOURCES, ids=lambda lock: lock.stem)
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: f"{system['sys_platform']}-{system['python_version']}")
def test_all_that_is_asked_for_is_locked_and_fits_on_every_system(lock, system):
    have = locked(lock, system)
    for text in wanted(lock):
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(system):
            version = have.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement.name} is not in {lock.name}: run `make lock`"
            assert requirement.specifier.contains(version, prereleases=True), f"{lock.name} is old: run `make lock`"


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: f"{system['sys_platform']}-{system['python_version']}")
def test_what_is_tested_is_what_runs(system):
    tested = locked(lock_files.DEV, system)
    assert {name: tested.get(name) for name in locked(lock_files.RUN, system)} == locked(lock_files.RUN, system)


def test_pip_is_told_to_take_nothing_else():
    command = lock_files.install_command(Path("python"), lock_files.RUN)
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(command)
    assert {"--no-deps", "--no-build-isolation"} <= set(lock_files.editable_command(Path("python"), ROOT))


def test_an_audit_that_could_look_nothing_up_fails(capsys):
    asked = []
    assert lock_files.audit(Path("/tools"), lambda argv, _extra: asked.append(argv) or 1) == 1
    assert all("--strict" in argv for argv in asked)
    assert len(asked) == len(lock_files.SOURCES)
    assert "could not be looked up" in capsys.readouterr().err


def test_locking_stops_at_the_first_failure_and_upgrades_only_when_told(monkeypatch):
    asked = []
    monkeypatch.delenv("UPGRADE", raising=False)
    assert lock_files.write_locks(Path("/tools"), lambda argv, _extra: asked.append(argv) or 2) == 2
    assert len(asked) == 1
    assert "--upgrade" not in asked[0]
    monkeypatch.setenv("UPGRADE", "1")
    assert lock_files.write_locks(Path("/tools"), lambda argv, _extra: asked.append(argv) or 0) == 0
    assert all("--upgrade" in argv for argv in asked[1:])
