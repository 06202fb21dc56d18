"""Dialects: which options an rpc-server takes, learned from its own ``--help``.

The command line changed four times in two years, without a ``--version`` to ask, and an unknown option ends the program with
exit code 0. So the help text of the very program is read. Rejected: deciding by build number (the program has none), and
trying options out (a success cannot be told from a failure by the exit code).

=====  ===========================  ============  ==================  =====================
       llama.cpp                    ``--device``  ``--mem``           program
=====  ===========================  ============  ==================  =====================
G1     May 2024 - May 2025          no            one number          ``rpc-server``
G2     PR 13304, May 2025           one name      one number          ``rpc-server``
G3     PR 16276, 4 October 2025     list          list                ``rpc-server``
G4     PR 16616, 17 October 2025    list          no                  ``rpc-server``
G5     PR 25045, June 2026          list          no                  ``ggml-rpc-server``
=====  ===========================  ============  ==================  =====================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import RuntimeUnavailable

_USAGE = re.compile(r"^Usage:\s+(?P<program>.+?)\s+\[options\]\s*$", re.MULTILINE)
_OPTION_LINE = re.compile(r"^\s+(?P<short>-[A-Za-z])\b(?P<rest>.*?--(?P<long>[a-z]+).*)$", re.MULTILINE)


class Generation(StrEnum):
    """Which of the five command lines it is."""

    G1 = "G1"
    G2 = "G2"
    G3 = "G3"
    G4 = "G4"
    G5 = "G5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one rpc-server takes."""

    generation: Generation
    program: str
    """The file name it calls itself, without folder and ``.exe``."""
    has_device: bool
    device_list: bool
    """Whether ``--device`` takes several names."""
    has_memory: bool
    memory_list: bool
    has_threads: bool
    has_cache: bool


NEWEST = Dialect(
    generation=Generation.G5,
    program="ggml-rpc-server",
    has_device=True,
    device_list=True,
    has_memory=False,
    memory_list=False,
    has_threads=True,
    has_cache=True,
)
"""For machines that are only described: nothing is installed there that could be asked."""


def dialect_of(help_text: str) -> Dialect:
    """Read the dialect from what ``rpc-server --help`` prints. Raises ``RuntimeUnavailable`` naming what is missing."""
    usage = _USAGE.search(help_text)
    options = {match["long"]: match["rest"] for match in _OPTION_LINE.finditer(help_text)}
    _refuse_unknown(help_text, has_usage=usage is not None, options=frozenset(options))
    program = re.split(r"[\\/]", usage["program"])[-1].removesuffix(".exe") if usage else ""
    device, memory = options.get("device"), options.get("mem")
    return Dialect(
        generation=_generation(program, device, memory),
        program=program,
        has_device=device is not None,
        device_list=_is_list(device),
        has_memory=memory is not None,
        memory_list=_is_list(memory),
        has_threads="threads" in options,
        has_cache="cache" in options,
    )


def _generation(program: str, device: str | None, memory: str | None) -> Generation:
    if device is None:
        return Generation.G1
    if memory is not None:
        return Generation.G3 if _is_list(device) else Generation.G2
    return Generation.G5 if program.startswith("ggml-") else Generation.G4


def _is_list(description: str | None) -> bool:
    return description is not None and ",...>" in description


def _refuse_unknown(help_text: str, *, has_usage: bool, options: frozenset[str]) -> None:
    missing = [f"--{name}" for name in ("host", "port") if name not in options]
    if not has_usage:
        missing.insert(0, "the line “Usage: ... [options]”")
    if "device" not in options and "mem" not in options:
        missing.append("--device or --mem")
    if "device" in options and "mem" not in options and not _is_list(_device_line(help_text)):
        missing.append("the list of devices that --device takes")
    if missing:
        raise RuntimeUnavailable(
            f"The help text is not that of a known rpc-server: {', '.join(missing)} is missing.",
            advice="Choose the folder of a llama.cpp build with ggml-rpc-server, or let Crossply build one.",
            details=help_text[:2000],
        )


def _device_line(help_text: str) -> str:
    return next((line for line in help_text.splitlines() if "--device" in line), "")
