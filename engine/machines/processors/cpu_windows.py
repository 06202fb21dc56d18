"""The processor's name on Windows, from the registry. **Untested**: no Windows machine was at hand. Instruction sets are not
told: Windows has no complete list of them, and llama.cpp picks its own variant.
"""

from __future__ import annotations

import sys

assert sys.platform == "win32"  # noqa: S101 - tells the type checker that the rest is not for other systems

import winreg  # noqa: E402 - exists on Windows only

_KEY = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"


def windows_cpu_name() -> str | None:
    """``AMD Ryzen 9 7950X 16-Core Processor``, or ``None``."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _KEY) as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()
    except OSError:
        return None
