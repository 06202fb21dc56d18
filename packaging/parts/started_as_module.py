"""``crossply -m engine.something``: a frozen application is its own Python. The engine starts one of its modules as a process
of its own with ``sys.executable -m`` (``engine/ssh/tunnels/tunnels.py``), and here that is answered. Modules of ours only.
"""

from __future__ import annotations

import runpy
import sys

OURS = ("engine.",)


def run_module_if_asked() -> None:
    """Run the module and end, if that is what the command line says; else do nothing."""
    if len(sys.argv) >= 3 and sys.argv[1] == "-m" and sys.argv[2].startswith(OURS):
        name = sys.argv[2]
        del sys.argv[1:3]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
        sys.exit(0)
