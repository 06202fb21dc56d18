"""The pytest plugin of the lab: the fixture ``lab``, and what happens where there can be none.

Tests marked ``lab`` need root. Without it they are skipped and say why: the one place where a test of this repository may be
skipped. With CROSSPLY_NEEDS_LAB=1 (``make test`` sets it for root and in CI) they fail instead.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Lab, why_not

NEEDS_LAB = "CROSSPLY_NEEDS_LAB"
_N_HOSTS = 4


def must_have_lab(environment: dict[str, str]) -> bool:
    """Whether tests without a lab are to fail: said by CROSSPLY_NEEDS_LAB (1 or 0), else true in CI."""
    said = environment.get(NEEDS_LAB, "")
    return said == "1" if said else bool(environment.get("CI"))


@pytest.fixture(scope="session")
def lab_problem() -> str | None:
    """Why there can be no lab here."""
    return why_not()


@pytest.fixture(scope="session")
def lab(lab_problem: str | None) -> Iterator[Lab]:
    """Four hosts, a desk, a stranger (:class:`tests.lab.lab.Lab`), one for all tests: put right again what you break."""
    if lab_problem is not None:
        _give_up(lab_problem)
    with Lab(_N_HOSTS) as made:
        yield made


@pytest.fixture
def clean_lab(lab: Lab) -> Lab:
    """The lab with every host freshly booted, homes empty, cables in, full speed, and a desk as on the first day."""
    for host in lab.hosts:
        host.make_new()
    lab.clean_desk()
    return lab


@pytest.fixture
def small_disk(lab_problem: str | None, tmp_path: Path) -> Iterator[Path]:
    """A real file system of 512 KiB: what does not fit is refused by the kernel."""
    if lab_problem is not None:
        _give_up(lab_problem)
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _give_up(problem: str) -> None:
    if must_have_lab(dict(os.environ)):
        pytest.fail(f"{problem} ({NEEDS_LAB} says that it must work here)")
    pytest.skip(problem)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever uses the lab bears its mark, so that ``-m 'not lab'`` works."""
    for item in items:
        if {"lab", "clean_lab", "small_disk"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.lab)
