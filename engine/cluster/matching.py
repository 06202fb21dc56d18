"""May two builds of llama.cpp work together? And can one machine's programs run on another? Pure rules, no look at anything.

The RPC wire carries ggml's operation numbers, which change without the handshake noticing: a client checks that the major
versions are equal and the server's minor is not above its own, and takes everything else in silence (garbage or a crash then;
llama.cpp #21006, #26392). So the rule is the commit; HELLO is a second check only. The commit alone is not enough either: an
in-place rebuild across the renaming of rpc-server leaves the old program, with an older protocol, in a folder of the right
commit. Rejected: "near enough" build numbers (patch versions changed operation numbers within 300 builds).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.vocabulary.runtime import Runtime

_SHORTEST_COMMIT = 7

_ARCHITECTURES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "i686": "x86", "i386": "x86"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSystem:
    """What decides whether compiled programs run: the system's kind, its processor, its C library."""

    os_family: str
    """As ``uname -s``: ``Linux``, ``Darwin``."""
    architecture: str
    """As ``uname -m``."""
    glibc: tuple[int, ...] | None = None
    """Of a machine: the version it has. Of programs: the one they need at least. ``None`` = not known, or none of it."""


def why_not_together(coordinator: Runtime, worker: Runtime, *, where: str = "the machine") -> str | None:
    """One sentence why a worker of build ``worker`` on ``where`` may not serve ``coordinator``; ``None`` = it may."""
    have = f"{where} has {worker.label}, this machine has {coordinator.label}"
    same = _same_build(coordinator, worker)
    if coordinator.protocol and worker.protocol and coordinator.protocol != worker.protocol:
        spoken = f"{where} speaks RPC protocol {worker.protocol}, this machine {coordinator.protocol}"
        return f"{spoken}: copy this machine's build there." if same else f"{have}, and {spoken}: {_COPY}"
    if same or (same is None and coordinator.protocol and coordinator.protocol == worker.protocol):
        return None
    if same is None:
        return f"{have}: whether that is the same build cannot be told. {_COPY[0].upper()}{_COPY[1:]}"
    return f"{have}: {_COPY}"


def can_be_copied(needed: ProgramSystem, machine: ProgramSystem, *, where: str = "the machine") -> str | None:
    """One sentence why programs that need ``needed`` cannot run on ``machine``; ``None`` = nothing known speaks against it.

    A backend whose driver is not there is no reason: its library is not loaded, the others are.
    """
    if needed.os_family != machine.os_family:
        return f"{where} runs {machine.os_family}, the programs are for {needed.os_family}: install llama.cpp there by hand."
    theirs, ours = _architecture(machine.architecture), _architecture(needed.architecture)
    if theirs != ours:
        return f"{where} has a processor of kind {theirs}, the programs are for {ours}: build llama.cpp there."
    if needed.glibc is None:
        return None
    if machine.glibc is None:
        return f"{where} has no GNU C library (glibc), which the programs need: build llama.cpp there."
    if machine.glibc < needed.glibc:
        return (
            f"{where} has glibc {_dotted(machine.glibc)}, the programs need {_dotted(needed.glibc)}:"
            " build llama.cpp there, or update its system."
        )
    return None


_COPY = "copy this machine's build there."


def _same_build(one: Runtime, other: Runtime) -> bool | None:
    """``None`` = it cannot be told."""
    same_number = one.build_number == other.build_number if one.build_number and other.build_number else None
    if same_number:
        return True
    if _is_commit(one.commit) and _is_commit(other.commit):
        return _same_commit(one.commit or "", other.commit or "")
    return same_number


def _is_commit(text: str | None) -> bool:
    return text is not None and len(text) >= _SHORTEST_COMMIT and all(letter in "0123456789abcdef" for letter in text.lower())


def _same_commit(one: str, other: str) -> bool:
    one, other = sorted((one.lower(), other.lower()), key=len)
    return other.startswith(one)


def _architecture(name: str) -> str:
    return _ARCHITECTURES.get(name.lower(), name.lower())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
