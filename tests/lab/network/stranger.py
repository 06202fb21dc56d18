"""Who could reach what: a machine in the lab that is nobody's friend, and a watch over what listens.

The stranger *connects*, from its own namespace: the proof. The watch reads the kernel's socket tables of all machines many
times a second: the proof for "at any time", which a scan of 65,535 ports cannot give.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tests.lab.machines.box import Box, LabFailed, no_ipv6
from tests.lab.machines.host import listening_in
from tests.lab.network.switch import STRANGER, Switch

if TYPE_CHECKING:
    from tests.lab.machines.host import Host

SCANNER = Path(__file__).with_name("scan_ports.py")
_SCAN_SECONDS = 120.0
_LOOK_EVERY_SECONDS = 0.02


class Stranger:
    """One more machine on the lab's network."""

    def __init__(self) -> None:
        self.box = Box("the stranger", ("net",))

    def start(self, switch: Switch) -> None:
        """Connect it."""
        self.box.do(no_ipv6())
        switch.plug(self.box, "stranger", STRANGER)

    def can_reach(self, address: str, port: int, *, seconds: float = 1.0) -> bool:
        """Whether a TCP connection to the port is accepted within ``seconds``."""
        return port in self.scan(address, ports=(port,), seconds=seconds)

    def scan(self, address: str, *, ports: Iterable[int] | None = None, seconds: float = 1.0) -> list[int]:
        """Ports (of all 65,535, or of ``ports``) that accept a connection; ``seconds`` for those that say nothing."""
        return self.scan_all([address], ports=ports, seconds=seconds)[address]

    def scan_all(
        self, addresses: Sequence[str], *, ports: Iterable[int] | None = None, seconds: float = 1.0
    ) -> dict[str, list[int]]:
        """:meth:`scan` of several machines side by side: 4 hosts in a few seconds."""
        command = [*self.box.enter(), sys.executable, "-I", "-S", str(SCANNER), str(seconds)]
        which = json.dumps(sorted(ports) if ports is not None else None)
        waiting = list(addresses)
        found: dict[str, list[int]] = {}
        while waiting:
            some, waiting = waiting[: os.cpu_count() or 1], waiting[os.cpu_count() or 1 :]
            running = [
                subprocess.Popen([*command, address, which], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for address in some
            ]
            for address, scanner in zip(some, running, strict=True):
                said, problem = scanner.communicate(timeout=_SCAN_SECONDS)
                if scanner.returncode != 0:
                    raise LabFailed(f"The scan of {address} failed: {problem.decode()}")
                found[address] = json.loads(said)
        return found


class ExposureWatch:
    """Context manager; ``seen`` afterwards: (machine, address, port) of every listener that others could reach."""

    def __init__(self, hosts: Sequence[Host], desk: Box, allowed: Sequence[int]) -> None:
        self.seen: set[tuple[str, str, int]] = set()
        self.looks = 0
        self._hosts = hosts
        self._desk = desk
        self._allowed = frozenset(allowed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="exposure watch")

    def look(self) -> None:
        """Look once."""
        for name, listening in [
            *((host.name, self._listening(host)) for host in self._hosts),
            ("desk", listening_in(self._desk.pid)),
        ]:
            self.seen |= {(name, *at) for at in listening if not at[0].startswith("127.") and at[1] not in self._allowed}
        self.looks += 1

    @staticmethod
    def _listening(host: Host) -> list[tuple[str, int]]:
        try:
            return host.listening()
        except (LabFailed, OSError):
            return []  # powered off, maybe just now

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY_SECONDS):
            self.look()

    def __enter__(self) -> ExposureWatch:
        self.look()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self.look()
