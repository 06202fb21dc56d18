"""What every test is given, and what no test may leave behind.

Guards (autouse): a test fails when it leaves a thread, a child process or a listening socket, or when something logs a
warning that the test did not look for (a test that asks for ``caplog`` looks itself). Every test has a data folder of its
own; the user's real one is read for two things only: the runtime and the demo model, which ``make test`` puts there.
"""

from __future__ import annotations

import importlib.abc
import itertools
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytest_plugins = ["tests.lab.pytest_lab"]

_BLOCK_QT = "CROSSPLY_TEST_WITHOUT_QT"


class _NoQt(importlib.abc.MetaPathFinder):
    """Makes ``import PySide6`` fail as it does where Qt is not installed."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in ("PySide6", "pyqtgraph", "gui"):
            raise ModuleNotFoundError(f"{fullname} is blocked in this run", name=fullname)


if os.environ.get(_BLOCK_QT):
    sys.meta_path.insert(0, _NoQt())
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from engine.runtimes.demo_model import find_demo_model  # noqa: E402 - after Qt is blocked
from engine.runtimes.find_runtimes import CHOSEN_VARIABLE  # noqa: E402
from engine.runtimes.runtime_finder import LocalRuntimeFinder  # noqa: E402
from engine.settings.folders import DATA_VARIABLE, find_folders  # noqa: E402
from engine.vocabulary.runtime import Runtime  # noqa: E402

_REAL_FOLDERS = find_folders()
_REAL_ENVIRONMENT = dict(os.environ)
_SET_UP = "Run `make test`: it builds llama.cpp and fetches the model once, into the user's data folder."
_GRACE_SECONDS = 3.0
_COUNT = itertools.count(1)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Without pytest-qt (the run with Qt blocked) its settings in pyproject.toml must still be known."""
    if not pluginmanager.hasplugin("pytest-qt"):
        for name in ("qt_api", "qt_default_raising", "qt_log_level_fail"):
            parser.addini(name, "not used in this run")
        parser.addini("qt_log_ignore", "not used in this run", type="linelist")


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    """The real llama.cpp programs: ``CROSSPLY_RUNTIME`` if it is set, else the best of this machine."""
    finder = LocalRuntimeFinder(_REAL_FOLDERS, environment=_REAL_ENVIRONMENT)
    runtimes = finder.find(None)
    usable = [found for found in runtimes if found.why_unusable is None and found.llama_bench and found.llama_fit_params]
    if not usable:
        pytest.fail(f"No usable llama.cpp programs on this machine. {_SET_UP}")
    return usable[0]


@pytest.fixture(scope="session")
def vulkan_runtime(runtime: Runtime) -> Runtime:
    """The real programs with the Vulkan backend, for a genuine ``Vulkan0`` device (llvmpipe where there is no GPU)."""
    if "Vulkan" not in runtime.backends:
        pytest.fail(f"The llama.cpp programs in {runtime.folder} have no Vulkan backend. {_SET_UP}")
    return runtime


@pytest.fixture(scope="session")
def gemma_model() -> str:
    """Path of the real small model (gemma-3-270m, 18 layers, 253 MB)."""
    found = find_demo_model(_REAL_FOLDERS)
    if found is None:
        pytest.fail(f"The model gemma-3-270m is not in {_REAL_FOLDERS.models}. {_SET_UP}")
    return str(found)


@pytest.fixture
def app_environment(runtime: Runtime, data_folder: Path) -> dict[str, str]:
    """Environment for a Crossply that a test starts as a program: the real runtime, a data folder of its own."""
    return {**os.environ, CHOSEN_VARIABLE: runtime.folder, DATA_VARIABLE: str(data_folder)}


@pytest.fixture
def data_folder(_own_data_folder: Path) -> Path:
    """This test's ``CROSSPLY_DATA``. It need not exist."""
    return _own_data_folder


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.getbasetemp() / f"data-{next(_COUNT)}"
    monkeypatch.setenv(DATA_VARIABLE, str(folder))
    monkeypatch.delenv(CHOSEN_VARIABLE, raising=False)
    return folder


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """Our programs keep what they write to themselves for as long as they run; a test may run one in this process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(_own_data_folder: Path) -> Iterator[None]:
    before = _what_runs()
    yield
    deadline = time.monotonic() + _GRACE_SECONDS
    while left := _what_runs() - before:
        if time.monotonic() > deadline:
            pytest.fail("left behind: " + "; ".join(sorted(what for what, _ in left)))
        time.sleep(0.01)


def _what_runs() -> set[tuple[str, object]]:
    us = psutil.Process()
    threads = {(f"thread {thread.name}", thread.ident) for thread in threading.enumerate()}
    children = {(f"child process {child.pid} ({_name(child)})", child) for child in us.children(recursive=True)}
    listening = {
        (f"listening socket on {connection.laddr}", connection.fd)
        for connection in us.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    return {*threads, *children, *listening}


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return "gone"


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def _no_unexpected_warning(request: pytest.FixtureRequest) -> Iterator[None]:
    handler = _Warnings()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    if handler.seen and "caplog" not in request.fixturenames:
        pytest.fail("logged without being expected (use caplog): " + "; ".join(handler.seen))
