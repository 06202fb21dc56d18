"""The document that a remote machine sent about itself, checked and understood. Pure.

The machine is not trusted: sizes are bounded, numbers must be possible, texts that are shown lose what is invisible, and a
name that hides something refuses the whole document. The kernel's files are read by the same code as on this machine, from the
texts that were sent (``file_trees.SentFiles``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from engine.errors import ProbeFailed
from engine.machines.file_trees import FileTree, SentFiles
from engine.machines.gpus.nvidia_smi import parse_nvidia_smi
from engine.machines.gpus.sysfs_gpus import SysfsGpus
from engine.machines.gpus.vendor_gpu import VendorAnswer, VendorGpu
from engine.machines.limits.cgroup_limits import read_cgroup_limits
from engine.machines.os_name import pretty_name
from engine.machines.processors.cpu_of_system import CpuOfSystem, cpu_of_linux
from engine.machines.remote_probe.sent import sent_by_macos as macos
from engine.machines.remote_probe.sent.probe_answer import ProbeAnswer
from engine.machines.remote_probe.sent.sent_network import sent_addresses, sent_ports
from engine.machines.remote_probe.sent.sent_text import (
    MOST_BYTES_OF_MEMORY,
    SenselessError,
    absolute_path,
    count_of_list,
    honest_name,
    optional_number,
    shown,
    whole_number,
)
from engine.machines.system_facts import SystemFacts
from engine.machines.system_id import read_system_id
from engine.machines.this_machine import cpu_within
from engine.vocabulary.device import Cpu
from engine.vocabulary.remote import SshTarget

MOST_DOCUMENT_BYTES = 1024 * 1024
_MOST_ENTRIES = 1000
_MOST_TEXT = 100_000
_MOST_USERS = 100
_MOST_GPUS = 256
"""llama.cpp uses 16 devices at most; each one is a row in the window."""
_MOST_CORES = 1 << 20
_TOOLCHAINS = (("nvcc", "CUDA"), ("hipcc", "ROCm"))


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    """As ``look_program`` sends it."""

    format: Literal[1]
    program: Literal["python", "sh"]
    files: dict[str, str]
    said: dict[str, str]


def parse_probe(document: bytes, target: SshTarget) -> ProbeAnswer:
    """Understand it. Raises ``ProbeFailed``."""
    try:
        sent = _decode(document)
        return _answer(sent, target)
    except ValueError as error:  # SenselessError among them
        what = str(error) if isinstance(error, SenselessError) else "what it sent makes no sense"
        raise ProbeFailed(
            f"{target.text} told something about itself that cannot be: {what}.",
            advice="Is it the right machine? Look at it by hand.",
            details=str(error),
        ) from error


def _decode(document: bytes) -> _Document:
    if len(document) > MOST_DOCUMENT_BYTES:
        raise SenselessError("it sent more than a megabyte")
    try:
        sent = msgspec.json.decode(document.decode("utf-8", "replace"), type=_Document)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise SenselessError("what it sent is damaged") from error
    texts = [*sent.files.values(), *sent.said.values()]
    if len(texts) > _MOST_ENTRIES or any(len(text) > _MOST_TEXT for text in texts):
        raise SenselessError("it sent far too much")
    return sent


def _answer(sent: _Document, target: SshTarget) -> ProbeAnswer:
    said, files = sent.said, SentFiles(sent.files)
    is_mac = said.get("system") == "Darwin"
    users = (shown(line.split()[0]) for line in said.get("who", "").splitlines() if line.split())
    return ProbeAnswer(
        target=target,
        hostname=honest_name(said.get("hostname", ""), "its name"),
        os_name=_os_name(said, files),
        architecture=honest_name(said.get("architecture", ""), "its architecture"),
        cpu=_cpu_of_mac(said) if is_mac else _cpu(said, files),
        vendors=_vendors(said, files),
        system_id=macos.macos_system_id(said.get("ioreg", "")) if is_mac else read_system_id(files),
        user=honest_name(said.get("user", ""), "its user's name"),
        home=absolute_path(said.get("home", ""), "the home folder"),
        data_folder=_data_folder(said),
        disk_free_bytes=optional_number(said.get("disk_free_bytes"), "its free disk space", 1 << 62),
        has_python=sent.program == "python",
        addresses=sent_addresses(said, files),
        listening_ports=sent_ports(said),
        logged_in=tuple(dict.fromkeys(name for name in users if name))[:_MOST_USERS],
        gpu_toolchains=tuple(name for program, name in _TOOLCHAINS if said.get(program)),
        is_linux=said.get("system") == "Linux",
    )


def _os_name(said: Mapping[str, str], files: FileTree) -> str:
    if said.get("system") == "Darwin":
        return shown(macos.macos_name(said.get("sw_vers", "")))
    texts = (files.read(Path(path)) for path in ("/etc/os-release", "/usr/lib/os-release"))
    name = next((name for text in texts if (name := pretty_name(text))), None)
    return shown(name or f"{said.get('system', '')} {said.get('release', '')}") or "unknown system"


def _data_folder(said: Mapping[str, str]) -> str:
    folder = absolute_path(said.get("data_folder", ""), "its data folder")
    if not folder.endswith("/crossply"):
        raise SenselessError("its data folder is not one of ours")
    return folder


def _cpu(said: Mapping[str, str], files: FileTree) -> Cpu:
    meminfo = _meminfo(files)
    total = meminfo.get("MemTotal", 0)
    if total <= 0:
        raise SenselessError("it has no RAM")
    status = files.read(Path("/proc/self/status")).partition(":")[2]
    processor = cpu_of_linux(
        files.read(Path("/proc/cpuinfo")), files.read(Path("/proc/device-tree/model")), said.get("architecture", "")
    )
    facts = SystemFacts(
        physical_cores=optional_number(said.get("physical_cores"), "its number of cores", _MOST_CORES) or None,
        logical_cores=count_of_list(files.read(Path("/sys/devices/system/cpu/online")), "its list of processors"),
        usable_logical_cores=count_of_list(status, "its list of processors"),
        ram_total_bytes=total,
        ram_available_bytes=min(total, _available(meminfo)),
    )
    return cpu_within(_shown_cpu(processor), facts, read_cgroup_limits(files=files))


def _cpu_of_mac(said: Mapping[str, str]) -> Cpu:
    processor = macos.macos_cpu(said.get("sysctl", ""), said.get("architecture", ""))
    facts = macos.macos_facts(said.get("sysctl", ""), said.get("vm_stat", ""))
    return cpu_within(_shown_cpu(processor), facts, read_cgroup_limits(files=SentFiles({})))


def _shown_cpu(processor: CpuOfSystem) -> CpuOfSystem:
    return dataclasses.replace(processor, name=shown(processor.name) or "unknown processor")


def _meminfo(files: FileTree) -> dict[str, int]:
    """/proc/meminfo (proc(5)) in bytes; the lines that are used."""
    found = {}
    for line in files.read(Path("/proc/meminfo")).splitlines():
        name, _, value = line.partition(":")
        if name in ("MemTotal", "MemAvailable", "MemFree", "Buffers", "Cached"):
            found[name] = whole_number(value.strip().removesuffix("kB"), "its RAM", MOST_BYTES_OF_MEMORY >> 10) << 10
    return found


def _available(meminfo: Mapping[str, int]) -> int:
    """Kernels before 3.14 have no MemAvailable: what its documentation names as the estimate before it."""
    before = sum(meminfo.get(name, 0) for name in ("MemFree", "Buffers", "Cached"))
    return meminfo.get("MemAvailable", before)


def _vendors(said: Mapping[str, str], files: FileTree) -> tuple[VendorAnswer, ...]:
    """In the order in which ``watch_load`` counts them: NVIDIA's, then the kernel's by PCI address."""
    if said.get("system") == "Darwin":
        answers = [macos.macos_gpus(said.get("system_profiler"))]
    else:
        answers = [parse_nvidia_smi(said.get("nvidia_smi")), SysfsGpus(files=files).look()]
    if sum(len(answer.gpus) for answer in answers) > _MOST_GPUS:
        raise SenselessError(f"it has more than {_MOST_GPUS} GPUs")
    return tuple(
        VendorAnswer(gpus=tuple(map(_checked, answer.gpus)), why_none=shown(answer.why_none) if answer.why_none else None)
        for answer in answers
    )


def _checked(gpu: VendorGpu) -> VendorGpu:
    sizes = [size for size in (gpu.memory_total_bytes, gpu.memory_free_bytes) if size is not None]
    if any(not 0 <= size <= MOST_BYTES_OF_MEMORY for size in sizes):
        raise SenselessError("the memory of a GPU is not a number that can be")
    address = shown(gpu.pci_address or "") or None
    return dataclasses.replace(gpu, name=shown(gpu.name) or f"{gpu.vendor} GPU", pci_address=address)
