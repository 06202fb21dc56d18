"""The bed of one machine: two CPU workers and llama-server beside them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

from engine.runtimes.find_runtimes import CHOSEN_VARIABLE
from engine.settings.folders import DATA_VARIABLE, find_folders
from engine.vocabulary.runtime import Runtime
from tests.end_to_end.crossply_programs import ROOT, left_of, listening_addresses, processes_of
from tests.faults.beds.bed import (
    Worker,
    ended_afterwards,
    files_below,
    find_named,
    held_below,
    new_folder,
    options,
    port_of,
    write_model,
)
from tests.faults.beds.running_app import RunningApp


class OneMachine:
    """Implements ``bed.Bed``. ``folder``: empty; all of it is ours."""

    name = "one machine"

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        self.folder = folder
        self.prefix: list[str] = []
        self.model = write_model(folder)
        self.data = folder / "data"
        self.temporary = new_folder(folder / "tmp")
        self.environment = {**os.environ, CHOSEN_VARIABLE: runtime.folder, DATA_VARIABLE: str(self.data)}
        self.environment |= {"QT_QPA_PLATFORM": "offscreen", "TMPDIR": str(self.temporary)}
        self.environment.pop("PYTHONUNBUFFERED", None)
        self.state_folder = find_folders(self.environment).state

    def start(self, number: int) -> AbstractContextManager[RunningApp]:
        """``crossplyctl up`` on a port that nobody used a moment ago."""
        port = ("--port", str(_free_port()))
        return self._started(number, "engine.cli.main", "up", str(self.model), "--cpu-workers", "2", *port, *options())

    def start_window(self, number: int) -> AbstractContextManager[RunningApp]:
        """The window, offscreen."""
        return self._started(number, "tests.faults.beds.window_program", str(self.model), str(_free_port()))

    @contextmanager
    def _started(self, number: int, module: str, *arguments: str) -> Iterator[RunningApp]:
        said = self.folder / f"said-{number}"
        argv = [sys.executable, "-m", module, *arguments]
        with said.open("wb") as err:
            process = subprocess.Popen(argv, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=err)
        with ended_afterwards(process):
            yield RunningApp(process, self.state_folder, said)

    def own_processes(self) -> list[psutil.Process]:
        """Told by their environment."""
        return processes_of(self.environment)

    def workers(self) -> list[Worker]:
        """In the order of their ports, which is that of the layers."""
        found = [Worker(pid=p.pid, port=port_of(p.cmdline())) for p in find_named(self.own_processes(), "rpc-server")]
        return sorted(found, key=lambda worker: worker.port)

    def exposed(self) -> list[str]:
        """What our processes listen on."""
        listening = listening_addresses(self.own_processes())
        return [f"{program} on {address}:{port}" for (address, port), program in listening.items() if not _is_local(address)]

    def left(self) -> list[str]:
        """Processes."""
        return left_of(self.environment)

    def files(self) -> set[str]:
        """Below its data folder, and temporary ones."""
        return files_below(self.data, self.temporary)

    def held_locks(self) -> list[str]:
        """Below its data folder."""
        return held_below(self.data)

    def slow_loading(self, *, slow: bool) -> None:
        """The loopback has no speed that could be set: a load takes what it takes."""

    def restore(self) -> None:
        """Its faults are all over when Crossply has ended."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_local(address: str) -> bool:
    return address.startswith("127.") or address == "::1"
