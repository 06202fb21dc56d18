"""``RemoteMachine`` over one SSH connection: each job is done by the wing that knows how; here they meet."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

from engine.errors import ProbeFailed, ProcessFailed
from engine.machines.asking.shell_rpc_asker import ShellRpcAsker
from engine.machines.remote_probe.remote_look import look
from engine.machines.remote_probe.sent.probe_answer import facts_of, machine_of
from engine.machines.remote_probe.watch_load import watch_load
from engine.ports import CancelToken, ProcessStarter
from engine.remote.link_speed import measure_link
from engine.remote.shared_sessions import SharedSessions
from engine.remote_ports import Progress, RemoteShell
from engine.runtimes.remote.building.build_there import build_there
from engine.runtimes.remote.building.inputs_here import inputs_here
from engine.runtimes.remote.cache_mark import begin_load, end_load
from engine.runtimes.remote.copying.copy_runtime import copy_runtime
from engine.runtimes.remote.find_remote_runtimes import find_remote_runtimes
from engine.runtimes.remote.remote_places import worker_cache_folder
from engine.runtimes.remote.remove_ours import free_bytes_in, prune_worker_cache, remove_ours
from engine.settings.folders import find_folders
from engine.ssh.leashed.kept_processes import kept_processes
from engine.ssh.leashed.remote_starter import RemoteProcessStarter
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.remote import Forward, KeptProcess, MachineIdentity, RemoteFacts, RemoteLook, SshTarget
from engine.vocabulary.running.process import ProcessSpec
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import CacheBeforeLoad, Link

_ROOM = ("exec", "sh", "-c", 'LC_ALL=C df -Pk -- "$1"', "sh")
"""Followed by the folder: how much room its disk has."""

MakeTunnel = Callable[[tuple[Forward, ...]], ProcessSpec]


class SshMachine:
    """One machine that we are logged in to. Implements ``remote_ports.RemoteMachine``."""

    def __init__(self, shell: RemoteShell, make_tunnel: MakeTunnel, another: Callable[[], RemoteShell]) -> None:
        """``make_tunnel``: the process that carries ports to it; it logs in for itself. ``another`` logs in once more."""
        self._shell = shell
        self._another = another
        self._make_tunnel = make_tunnel
        self._facts: RemoteFacts | None = None
        self._name = shell.target.text
        self._sessions: SharedSessions | None = None
        self.asker = ShellRpcAsker(shell)

    @property
    def target(self) -> SshTarget:
        """Where."""
        return self._shell.target

    @property
    def identity(self) -> MachineIdentity | None:
        """``None`` before the first look."""
        return self._facts.identity if self._facts else None

    @property
    def starter(self) -> ProcessStarter:
        """On a leash: in Python where the machine has it, else in its shell. After the first look."""
        if self._sessions is None:
            self._sessions = SharedSessions(self._shell, self._another, self._starter_on)
        return self._sessions

    def _starter_on(self, shell: RemoteShell) -> RemoteProcessStarter:
        facts = self._looked()
        folder = facts.data_folder if facts.can_keep else None
        return RemoteProcessStarter(shell, has_python=facts.has_python, machine_name=self._name, data_folder=folder)

    @property
    def worker_cache_folder(self) -> str:
        """Below the user's home there. After the first look."""
        return worker_cache_folder(self._looked().home)

    def look(self, coordinator_runtime: Runtime | None, token: CancelToken) -> RemoteLook:
        """The machine, its llama.cpp builds, and which of them may work with ours."""
        answer = look(self._shell, token)
        self._facts = facts_of(answer, self._shell.host_key.fingerprint)
        self._name = answer.hostname or self.target.text
        runtimes = find_remote_runtimes(self._shell, answer.data_folder, coordinator_runtime, token)
        usable = None
        if coordinator_runtime is not None:
            usable = next((runtime for runtime in runtimes if runtime.why_not_with_coordinator is None), None)
        machine = machine_of(answer, usable.devices if usable else None)
        machine = replace(machine, system_id=answer.system_id)
        return RemoteLook(machine=machine, facts=self._facts, runtimes=runtimes, usable=usable, kept=self._kept())

    def watch_load(self, machine: Machine, on_load: Callable[[MachineLoad], None], token: CancelToken) -> None:
        """A sample every 2 s until cancelled."""
        watch_load(self._shell, machine, self._looked().has_python, on_load, token)

    def measure_link(self, token: CancelToken) -> Link:
        """Round trip and bytes per second."""
        return measure_link(self._shell, token)

    def copy_runtime(self, runtime: Runtime, progress: Progress, token: CancelToken) -> None:
        """Copy this machine's build there."""
        copy_runtime(self._shell, runtime, self._looked().data_folder, progress, token)

    def build_runtime(self, runtime: Runtime, progress: Progress, token: CancelToken) -> None:
        """Build from source there, with the GPU toolchain that it has."""
        data_folder, inputs = self._looked().data_folder, inputs_here(find_folders(), token)
        build_there(self._shell, self.starter, runtime, data_folder, inputs, progress, token)

    def prune_worker_cache(self) -> CacheBeforeLoad:
        """Bring the cache there within its size, and have the folder: llama.cpp does not make its parents. What is too busy
        for that loads without it."""
        folder = self.worker_cache_folder
        try:
            why_not = begin_load(self._shell, folder)
            if why_not is not None:
                return CacheBeforeLoad(why_not=why_not)
            prune_worker_cache(self._shell, folder)
        except ProbeFailed as error:
            return CacheBeforeLoad(why_not=f"it could not be looked at ({error.happened.rstrip('.')})")
        done = self._shell.run(shlex.join((*_ROOM, folder)), timeout_seconds=10.0)
        return CacheBeforeLoad(free_bytes=free_bytes_in(done.stdout))

    def worker_cache_is_whole(self) -> None:
        """The load came to its end."""
        end_load(self._shell, self.worker_cache_folder)

    def stop_kept(self) -> None:
        """Adopt each and stop it. One that cannot be stopped keeps none of the others."""
        starter, failures = self._starter_on(self._shell), []
        for kept in self._kept():
            try:
                starter.adopt(kept, lambda _line: None, lambda _outcome: None).stop()
            except ProcessFailed as error:
                failures.append(error)
        if failures and self._kept():  # else it was gone when it was to be stopped
            raise failures[0]

    def _kept(self) -> tuple[KeptProcess, ...]:
        facts = self._looked()
        return kept_processes(self._shell, facts.data_folder) if facts.can_keep else ()

    def remove_ours(self) -> None:
        """Stop what was left running there, then delete everything that we put there."""
        self.stop_kept()
        remove_ours(self._shell, self._looked().data_folder, self.worker_cache_folder)

    def tunnel(self, forwards: tuple[Forward, ...]) -> ProcessSpec:
        """The local process that carries ports to it."""
        return self._make_tunnel(forwards)

    def is_alive(self) -> bool:
        """Whether we are still connected, as far as is known."""
        return self._shell.is_alive()

    def silent_seconds(self) -> float:
        """For how long nothing was heard from it."""
        return self._shell.silent_seconds()

    def must_be_heard(self, within_seconds: float) -> None:
        """Over every connection to it."""
        self._shell.must_be_heard(within_seconds)
        if self._sessions is not None:
            self._sessions.must_be_heard(within_seconds)

    def close(self) -> None:
        """What was started there ends with the connections."""
        if self._sessions is not None:
            self._sessions.close()
        self._shell.close()

    def _looked(self) -> RemoteFacts:
        if self._facts is None:
            raise ProbeFailed(f"{self._name} was not looked at yet.", advice="Look at it first.")
        return self._facts
