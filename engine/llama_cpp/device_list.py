"""The device list that an rpc-server prints for an unknown device (``-d list``), and llama-server for ``--list-devices``.

This is the ground truth of device names. Lines look like ``  CPU: AMD EPYC (24105 MiB, 24105 MiB free)``
(rpc-server.cpp, ``get_devices``). Everything around them (backend banners, ``error: unknown device: list``) is passed over;
stdout and stderr may come in any order, because stdout is block-buffered into a pipe.
"""

from __future__ import annotations

import re

from engine.errors import RuntimeUnavailable
from engine.vocabulary.device import RuntimeDevice

_MIB = 1024 * 1024
_LINE = re.compile(r"(?P<name>\S{1,100}): (?P<description>.{0,300}) \((?P<total>\d{1,12}) MiB, (?P<free>\d{1,12}) MiB free\)")
_MOST_DEVICES = 256


def parse_device_list(text: str) -> tuple[RuntimeDevice, ...]:
    """Every device in the order listed. Raises ``RuntimeUnavailable`` when the program cannot list devices, or listed none.

    llama.cpp prints whole MiB: the figures are up to 1 MiB below the truth.
    """
    found: dict[str, RuntimeDevice] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is not None and len(found) < _MOST_DEVICES:
            found.setdefault(match["name"], _device(match))
    if not found:
        raise RuntimeUnavailable(_why_nothing(text), advice="Choose or build a newer llama.cpp.", details=text[-2000:])
    return tuple(found.values())


def _device(match: re.Match[str]) -> RuntimeDevice:
    return RuntimeDevice(
        runtime_name=match["name"],
        description=match["description"].strip(),
        memory_total_bytes=int(match["total"]) * _MIB,
        memory_free_bytes=int(match["free"]) * _MIB,
    )


def _why_nothing(text: str) -> str:
    if "unknown argument: -d" in text:
        return "This rpc-server is from before May 2025: it has no --device and cannot list its devices."
    return "The rpc-server did not list a single device."
