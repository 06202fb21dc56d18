"""What one look found on a remote machine, checked; and the engine's own words for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from engine.machines.gpus.match_gpus import match_gpus
from engine.machines.gpus.vendor_gpu import VendorAnswer
from engine.machines.this_machine import why_no_gpu
from engine.vocabulary.device import Cpu, RuntimeDevice
from engine.vocabulary.machine import Machine
from engine.vocabulary.remote import MachineIdentity, NetworkAddress, RemoteFacts, SshTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswer:
    """Facts that no runtime was needed for. Texts are fit to be shown, sizes are possible."""

    target: SshTarget
    hostname: str
    os_name: str
    architecture: str
    cpu: Cpu
    vendors: tuple[VendorAnswer, ...]
    """What each source of GPUs said, in the order in which ``match_gpus`` wants them."""
    system_id: str | None
    user: str
    home: str
    data_folder: str
    disk_free_bytes: int | None
    has_python: bool
    addresses: tuple[NetworkAddress, ...]
    listening_ports: tuple[int, ...]
    logged_in: tuple[str, ...]
    gpu_toolchains: tuple[str, ...]
    is_linux: bool


def machine_of(answer: ProbeAnswer, devices: tuple[RuntimeDevice, ...] | None) -> Machine:
    """The machine. ``devices`` is what a runtime lists there; ``None`` before there is one."""
    gpus = match_gpus([gpu for vendor in answer.vendors for gpu in vendor.gpus], devices)
    return Machine(
        id=answer.target.machine_id,
        name=answer.hostname,
        os_name=answer.os_name,
        architecture=answer.architecture,
        cpu=answer.cpu,
        gpus=gpus,
        why_no_gpu=None if gpus else why_no_gpu(answer.vendors, devices),
        address=answer.target.host,
        system_id=answer.system_id,
    )


def facts_of(answer: ProbeAnswer, host_key_fingerprint: str) -> RemoteFacts:
    """All the rest."""
    return RemoteFacts(
        identity=MachineIdentity(host_key_fingerprint=host_key_fingerprint, system_id=answer.system_id),
        user=answer.user,
        home=answer.home,
        data_folder=answer.data_folder,
        disk_free_bytes=answer.disk_free_bytes,
        has_python=answer.has_python,
        addresses=answer.addresses,
        listening_ports=answer.listening_ports,
        logged_in=answer.logged_in,
        gpu_toolchains=answer.gpu_toolchains,
        can_keep=answer.has_python and answer.is_linux,
    )
