"""Name and instruction sets of this machine's processor: which source for which system."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from engine.machines.processors.cpu_facts import cpu_name, instruction_sets


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuOfSystem:
    """Who the processor is."""

    name: str
    instruction_sets: tuple[str, ...] = ()


def read_cpu_of_system(cpuinfo: Path = Path("/proc/cpuinfo"), board: Path = Path("/proc/device-tree/model")) -> CpuOfSystem:
    """Ask the system. A name that nobody tells is the architecture: ``aarch64 processor``."""
    if sys.platform == "darwin":
        from engine.machines.processors.cpu_macos import macos_cpu_name, macos_instruction_sets  # noqa: PLC0415 - macOS only

        return CpuOfSystem(name=macos_cpu_name() or unnamed_cpu(platform.machine()), instruction_sets=macos_instruction_sets())
    elif sys.platform == "win32":  # noqa: RET505 - without it mypy calls the rest unreachable there
        from engine.machines.processors.cpu_windows import windows_cpu_name  # noqa: PLC0415 - Windows only

        return CpuOfSystem(name=windows_cpu_name() or unnamed_cpu(platform.machine()))
    else:
        return cpu_of_linux(_read(cpuinfo), _read(board), platform.machine())


def cpu_of_linux(cpuinfo: str, board: str, architecture: str) -> CpuOfSystem:
    """From the texts of /proc/cpuinfo and /proc/device-tree/model. Pure."""
    name = cpu_name(cpuinfo) or board.strip("\0\n ") or unnamed_cpu(architecture)
    return CpuOfSystem(name=name, instruction_sets=instruction_sets(cpuinfo))


def unnamed_cpu(architecture: str) -> str:
    """``aarch64 processor``."""
    return f"{architecture or 'unknown'} processor"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
