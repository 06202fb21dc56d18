"""Which Python runs pip and venv: the one that runs us, or, in a frozen application (which has no pip), the system's.

Rejected: pip inside the packages (11 MB, and a second program that installs things behind the administrator's back).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

from engine.errors import RuntimeUnavailable


def python_with_pip(which: Callable[[str], str | None] = shutil.which) -> str:
    """Its path. Raises ``RuntimeUnavailable`` in a frozen application on a machine without ``python3``."""
    if not getattr(sys, "frozen", False):
        return sys.executable
    found = which("python3") or which("python")
    if found is None:
        raise RuntimeUnavailable(
            "Downloads are made with pip, and this machine has no Python (Crossply's own has no pip).",
            advice="Install python3 with pip (Debian, Ubuntu: apt-get install python3-pip python3-venv), or bring the files.",
        )
    return found
