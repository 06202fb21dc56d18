"""Who may import whom, and that the engine needs no Qt."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORT_ALL = """
import importlib, importlib.abc, pkgutil, sys

class NoQt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "shiboken6", "pyqtgraph", "gui", "pytestqt"):
            raise ModuleNotFoundError(name + " is blocked", name=name)

sys.meta_path.insert(0, NoQt())
import engine
names = [module.name for module in pkgutil.walk_packages(engine.__path__, "engine.")]
others = tuple({"linux", "macos", "windows"} - {{"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")})
for name in names:
    if not name.endswith(others):  # engine.machines.processors.cpu_windows asserts that it is on Windows
        importlib.import_module(name)
print(len(names))
"""


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_rings_are_kept():
    done = run("-c", "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())")
    assert done.returncode == 0, done.stdout
    assert " kept, 0 broken" in done.stdout


def test_every_module_of_the_engine_can_be_imported_without_qt():
    done = run("-W", "error", "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_a_broken_ring_would_be_seen(tmp_path):
    """The blocker above works: an import of the window is an error."""
    done = run("-c", IMPORT_ALL.replace("import engine\n", "import engine, gui\n"))
    assert done.returncode != 0
    assert "gui is blocked" in done.stderr
