"""Render every hand-made state, light and dark, at several sizes: ``python tests/gui/take_screenshots.py FOLDER``.

Further arguments: names of states (all without any), and ``--quick`` for one size and the light theme only.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from gui.app import make_appearance, make_application
from gui.main_window import MainWindow
from gui.session_bridge import SessionBridge
from gui.theme import Appearance, Scheme
from tests.fakes.sessions.fake_session import FakeSession
from tests.fakes.states.cluster_states import every_state

SIZES = ((1440, 900, 1.0), (1024, 700, 1.0), (1920, 1080, 1.0), (1440, 900, 2.0))
LINES = [
    f"0.{number:02d}.{number * 37 % 1000:03d} I load_tensors: layer {number} assigned to device RPC{number % 3}"
    for number in range(80)
]


def main() -> int:
    """Take them all."""
    names = [argument for argument in sys.argv[2:] if not argument.startswith("--")]
    quick = "--quick" in sys.argv
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    application = make_application(sys.argv[:1])
    settings = QSettings(str(Path(tempfile.mkdtemp()) / "window.ini"), QSettings.Format.IniFormat)
    appearance = make_appearance(application, settings)
    for name in names or list(every_state()):
        for scheme in (Scheme.LIGHT,) if quick else (Scheme.LIGHT, Scheme.DARK):
            for width, height, scale in SIZES[:1] if quick else SIZES:
                appearance.show(scheme, scale)
                file = folder / f"{name}-{scheme.value.lower()}-{width}x{height}-{scale * 100:.0f}.png"
                take(application, appearance, settings, name, (width, height), file)
    return 0


def take(
    application: QApplication, appearance: Appearance, settings: QSettings, name: str, size: tuple[int, int], file: Path
) -> None:
    """One window, each of its tabs for the running state."""
    session = FakeSession(every_state()[name]())
    session.say("llama-server", *LINES)
    bridge = SessionBridge(session)
    window = MainWindow(bridge, appearance, settings)
    window.resize(*size)
    window.show()
    bridge.start()
    tabs = range(window.tabs.count()) if name == "ready" else (0,)
    for tab in tabs:
        window.tabs.setCurrentIndex(tab)
        settle()
        shot = file if tab == 0 else file.with_stem(f"{file.stem}-tab{tab}")
        window.grab().save(str(shot))
    window._end()
    window.deleteLater()
    print(file)


def settle() -> None:
    """Let Qt lay out and paint."""
    loop = QEventLoop()
    QTimer.singleShot(250, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main())
