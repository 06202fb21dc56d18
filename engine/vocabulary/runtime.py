"""A runtime: one build of llama.cpp's programs on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary.device import RuntimeDevice

RuntimeDevices = tuple[RuntimeDevice, ...]
"""What a runtime itself lists, in its order."""


class RuntimeSource(StrEnum):
    """Where a runtime came from."""

    CHOSEN = "chosen folder"
    ON_PATH = "found on PATH"
    BUILD_FOLDER = "found in a build folder"
    BUILT = "built by Crossply"
    DOWNLOADED = "official release"
    COPIED = "copied by Crossply"
    PACKAGED = "installed with Crossply"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RpcProtocolVersion:
    """What HELLO answers."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """One build. Paths are absolute. Programs that are missing are ``None``."""

    id: str
    """Folder name of an own build, else a short hash of the folder: stable between starts."""
    folder: str
    source: RuntimeSource
    rpc_server: str
    llama_server: str | None
    llama_bench: str | None
    llama_fit_params: str | None
    build_number: int | None
    commit: str | None
    protocol: RpcProtocolVersion | None
    backends: tuple[str, ...] = ()
    """``CPU``, ``CUDA``, ``Vulkan``, ``RPC`` ..."""
    why_unusable: str | None = None
    """Set when it cannot do the job (no RPC in llama-server, a program missing): one sentence."""

    @property
    def label(self) -> str:
        """For people: ``b11434 (0c1e570)``."""
        build = f"b{self.build_number}" if self.build_number else "unnumbered build"
        return f"{build} ({self.commit})" if self.commit else build
