"""The bed of a lab: Crossply on the desk, a CPU worker on each of three hosts, each behind ssh. Faults happen to ``lab2``
(``lab3`` is reached through ``lab1``)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

from engine.vocabulary.runtime import Runtime
from tests.end_to_end.crossply_programs import wait_until
from tests.end_to_end.lab.on_the_desk import Desk
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
from tests.lab.lab import Lab
from tests.lab.machines.host import Host, listening_in
from tests.lab.machines.host_files import USER_HOME

SLOW_MBIT = 40.0
_STATE = ".local/state/crossply"


class ThreeHosts:
    """Implements ``bed.Bed``. ``folder``: empty, for logs and the model."""

    name = "three machines over ssh"

    def __init__(self, lab: Lab, folder: Path, runtime: Runtime, *, only_victim: bool = False) -> None:
        """``only_victim``: no other machine is used, so that there is nothing to go on with."""
        self.lab = lab
        self.folder = folder
        self.model = write_model(folder)
        self.temporary = new_folder(folder / "tmp")
        self.desk = Desk(lab, runtime, folder, f"TMPDIR={self.temporary}")
        self.prefix = lab.command_prefix(cwd=folder)
        self.victim: Host = lab.hosts[1]
        self.state_folder = lab.client_home / _STATE
        self._used = [self.victim] if only_victim else lab.hosts[:3]
        for host in self._used:
            _give_runtime(host, Path(runtime.rpc_server).parents[1])

    @contextmanager
    def start(self, number: int) -> Iterator[RunningApp]:
        """``crossplyctl up`` on the desk."""
        said = self.folder / f"said-{number}"
        names = [word for host in self._used for word in ("--machine", host.name)]
        names += [word for host in self._used for word in ("--accept-host-key", host.fingerprint())]
        names += [word for worker in ("this-machine/cpu", *self.desk.own_gpus) for word in ("--leave-out", worker)]
        argv = self.desk.argv("up", str(self.model), "--copy-runtime", "--cpu-workers", "1", *names, *options())
        environment = {name: text for name, text in os.environ.items() if not name.startswith(("CROSSPLY_", "PYTEST_"))}
        with said.open("wb") as err:
            process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=err)
        with ended_afterwards(process):
            yield RunningApp(process, self.state_folder, said)

    def start_copying(self, number: int) -> AbstractContextManager[RunningApp]:
        """The same, when the victim has no llama.cpp."""
        shutil.rmtree(self.victim.path(f"{USER_HOME}/.local/share/crossply"), ignore_errors=True)
        return self.start(number)

    def own_processes(self) -> list[psutil.Process]:
        """What runs in the desk's home."""
        return [process for process in psutil.process_iter() if self._is_on_desk(process)]

    def tunnel(self) -> psutil.Process:
        """The ssh that carries the victim's ports."""
        tunnels = find_named(self.own_processes(), "ssh")
        return next(p for p in tunnels if "-N" in p.cmdline() and p.cmdline()[-1] == self.victim.address)

    def workers(self) -> list[Worker]:
        """The victim's."""
        servers = [process for process in self.victim.of_user() if "rpc-server" in " ".join(process.argv[:1])]
        return [Worker(pid=process.pid, port=port_of(list(process.argv))) for process in servers]

    def exposed(self) -> list[str]:
        """On the hosts all but sshd counts, on the desk everything."""
        found = [f"{host.name}: port {port}" for host in self.lab.hosts if host.is_on for port in host.exposed()]
        desk = [at for at in listening_in(self.lab.desk.pid) if not at[0].startswith("127.")]
        return [*found, *(f"desk: {address}:{port}" for address, port in desk)]

    def left(self) -> list[str]:
        """Processes on the desk and of the account on the hosts."""
        there = [f"{host.name}: {' '.join(process.argv)[:80]}" for host in self.lab.hosts for process in host.of_user()]
        return [f"desk: {process.name()} {process.pid}" for process in self.own_processes()] + there

    def files(self) -> set[str]:
        """The desk's home and what the account could write on the hosts."""
        there = {f"{host.name}:{path}" for host in self.lab.hosts for path in host.files()}
        return there | files_below(self.lab.client_home, self.temporary)

    def held_locks(self) -> list[str]:
        """On the desk; a lock on a host is a folder there, and so one of the files."""
        return held_below(self.lab.client_home)

    def slow_loading(self, *, slow: bool) -> None:
        """The victim's cable."""
        with contextlib.suppress(Exception):  # it may be unplugged
            self.victim.slow(SLOW_MBIT if slow else None)

    def restore(self) -> None:
        """Power, cable, sshd."""
        host = self.victim
        for process in host.of_user():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
        if not host.is_on:
            host.power_on()
        host.cable_in()
        host.slow(None)
        if 22 not in {port for _, port in host.listening()}:
            host.start_sshd()
        wait_until(lambda: 22 in {port for _, port in host.listening()}, 10, "sshd listens")

    def _is_on_desk(self, process: psutil.Process) -> bool:
        try:
            mine = process.environ().get("HOME") == str(self.lab.client_home)
            return mine and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def _give_runtime(host: Host, build: Path) -> None:
    """Where Crossply would copy it to; what copying does is tested elsewhere."""
    there = host.path(f"{USER_HOME}/.local/share/crossply/runtimes/{build.name}")
    if there.exists():
        return
    shutil.copytree(build, there, symlinks=True)
    top = host.path(f"{USER_HOME}/.local")
    for path in (top, *top.rglob("*")):
        os.chown(path, host.uid, host.uid, follow_symlinks=False)
