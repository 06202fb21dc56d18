"""Remote machines that are made up: a connector whose machines can ask, refuse, vanish, and run fake programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.errors import EngineError, MachineUnreachable
from engine.ports import CancelToken
from engine.remote_ports import Progress, Secret
from engine.vocabulary.device import Cpu, RuntimeDevice
from engine.vocabulary.found import FoundMachine
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.remote import (
    Forward,
    HostKey,
    MachineIdentity,
    RemoteFacts,
    RemoteLook,
    RemoteRuntime,
    SshTarget,
)
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import CacheBeforeLoad, Link

GIB = 1 << 30
CPU = Cpu(name="A CPU", physical_cores=4, logical_cores=8, ram_total_bytes=16 * GIB, ram_available_bytes=15 * GIB)
LINK = Link(rtt_seconds=0.0003, bytes_per_second=117e6)


def a_target(name: str = "gpu-node") -> SshTarget:
    return SshTarget(host=name, user="ada")


def a_key(host: str = "gpu-node") -> HostKey:
    return HostKey(host=host, key_type="ssh-ed25519", key_base64="AAAA", fingerprint=f"SHA256:{host}")


def a_look(target: SshTarget, runtime: Runtime | None, help_text: str) -> RemoteLook:
    """A machine with one CPU; ``runtime`` is on it, and fits."""
    machine = Machine(
        id=target.machine_id, name=target.host, os_name="Debian", architecture="x86_64", cpu=CPU, address=target.host
    )
    facts = RemoteFacts(
        identity=MachineIdentity(host_key_fingerprint=f"SHA256:{target.host}", system_id=target.host),
        user=target.user or "ada",
        home="/home/ada",
        data_folder="/home/ada/.local/share/crossply",
        disk_free_bytes=100 * GIB,
        has_python=True,
        can_keep=True,
    )
    devices = (RuntimeDevice(runtime_name="CPU", description="c", memory_total_bytes=GIB, memory_free_bytes=GIB),)
    usable = None if runtime is None else RemoteRuntime(runtime=runtime, devices=devices, help_text=help_text)
    return RemoteLook(machine=machine, facts=facts, runtimes=() if usable is None else (usable,), usable=usable)


class FakeRemoteMachine:
    """A ``RemoteMachine``."""

    worker_cache_folder = "/home/ada/.cache/crossply/workers"

    def __init__(self, target: SshTarget, look: RemoteLook, starter: object, asker: object) -> None:
        self.target = target
        self.identity = look.facts.identity
        self.seen = look
        self.starter, self.asker = starter, asker
        self.lost: EngineError | None = None
        self.silent_for = 0.0
        self.free_bytes: int | None = None
        self.no_cache: str | None = None
        self.doubted: list[float] = []
        self.copied: list[str] = []
        self.built: list[str] = []
        self.n_looks = self.n_prunings = self.n_whole = 0
        self.removed = self.closed = False
        self.after_copy: RemoteLook | None = None
        self.copy_fails: EngineError | None = None

    def look(self, coordinator_runtime: Runtime | None, token: CancelToken) -> RemoteLook:
        self.n_looks += 1
        if self.lost is not None:
            raise self.lost
        return self.seen

    def watch_load(self, machine: Machine, on_load: Callable[[MachineLoad], None], token: CancelToken) -> None:
        on_load(MachineLoad(machine_id=machine.id, taken_at_seconds=1.0, cpu_busy_fraction=0.5, ram_available_bytes=GIB))
        if self.lost is not None:
            raise self.lost
        token.wait(2.0)

    def measure_link(self, token: CancelToken) -> Link:
        return LINK

    def copy_runtime(self, runtime: Runtime, progress: Progress, token: CancelToken) -> None:
        progress(0.5, "half")
        if self.copy_fails is not None:
            raise self.copy_fails
        self.copied.append(runtime.id)
        if self.after_copy is not None:
            self.seen = self.after_copy

    def build_runtime(self, runtime: Runtime, progress: Progress, token: CancelToken) -> None:
        progress(0.5, "3 of 6: ggml.c")
        if self.copy_fails is not None:
            raise self.copy_fails
        self.built.append(runtime.id)
        if self.after_copy is not None:
            self.seen = self.after_copy

    def prune_worker_cache(self) -> CacheBeforeLoad:
        self.n_prunings += 1
        return CacheBeforeLoad(free_bytes=self.free_bytes, why_not=self.no_cache)

    def worker_cache_is_whole(self) -> None:
        self.n_whole += 1
        if self.lost is not None:
            raise self.lost

    def stop_kept(self) -> None:
        self.seen = replace(self.seen, kept=())

    def remove_ours(self) -> None:
        self.removed = True

    def tunnel(self, forwards: tuple[Forward, ...]) -> ProcessSpec:
        ports = tuple(f"{forward.local_port}:{forward.remote_port}" for forward in forwards)
        return ProcessSpec(id=ProcessId("tunnel"), argv=("ssh", *ports))

    def is_alive(self) -> bool:
        return not self.closed and self.lost is None

    def silent_seconds(self) -> float:
        return self.silent_for

    def must_be_heard(self, within_seconds: float) -> None:
        self.doubted.append(within_seconds)

    def close(self) -> None:
        self.closed = True


class FakeConnector:
    """A ``MachineConnector``: machines by host name; ``raises`` holds what the next logins raise, in order."""

    def __init__(self) -> None:
        self.machines: dict[str, FakeRemoteMachine] = {}
        self.raises: dict[str, list[EngineError]] = {}
        self.logins: list[tuple[str, tuple[Secret, ...]]] = []
        self.accepted: list[HostKey] = []

    def connect(self, target: SshTarget, secrets: tuple[Secret, ...], token: CancelToken) -> FakeRemoteMachine:
        self.logins.append((target.host, secrets))
        errors = self.raises.get(target.host, [])
        if errors:
            raise errors.pop(0)
        if target.host not in self.machines:
            raise MachineUnreachable(f"{target.host} does not answer.", advice="Is it on?")
        machine = self.machines[target.host]
        machine.closed = False
        return machine

    def accept_host_key(self, key: HostKey) -> None:
        self.accepted.append(key)


class FakeNetwork:
    """A ``MachineFinder`` that finds what it was told."""

    def __init__(self, *found: FoundMachine) -> None:
        self.found = found
        self.fails: EngineError | None = None
        self.wide: bool | None = None
        self.untouched: frozenset[str] = frozenset()
        """What it was told to leave alone, at its end."""

    def find(
        self,
        on_found: Callable[[tuple[FoundMachine, ...]], None],
        *,
        wide: bool,
        progress: Progress,
        token: CancelToken,
        in_use: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self.wide = wide
        progress(0.5, "asking")
        for n in range(1, len(self.found) + 1):
            on_found(self.found[:n])
        self.untouched = in_use()
        if self.fails is not None:
            raise self.fails


def with_runtime_source(runtime: Runtime, folder: str) -> Runtime:
    """The same build in another folder."""
    return replace(runtime, folder=folder, rpc_server=f"{folder}/ggml-rpc-server")
