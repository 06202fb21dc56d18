"""What Crossply says about itself: versions of what it is made of, llama.cpp's build on each machine, licences.

The same text is copied for bug reports. It names machines as their cards do, and holds no address, user name or path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.session.state import ClusterState
from engine.vocabulary.runtime import Runtime
from gui.texts.translation import tr

LICENCES = (
    ("Crossply", "MIT"),
    ("llama.cpp", "MIT"),
    ("Qt and PySide6", "LGPL-3.0"),
    ("pyqtgraph", "MIT"),
    ("numpy", "BSD-3-Clause"),
    ("paramiko", "LGPL-2.1"),
    ("psutil", "BSD-3-Clause"),
    ("nvidia-ml-py", "BSD-3-Clause"),
    ("zeroconf", "LGPL-2.1"),
    ("keyring", "MIT"),
    ("msgspec", "BSD-3-Clause"),
    ("platformdirs", "MIT"),
    ("rich", "MIT"),
    ("uvicorn", "BSD-3-Clause"),
    ("httpx", "BSD-3-Clause"),
    ("starlette", "BSD-3-Clause"),
)
"""Of what is used and shipped with it. Models have licences of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutContent:
    """Lines of (what, which)."""

    versions: tuple[tuple[str, str], ...]
    machines: tuple[tuple[str, str], ...]
    licences: tuple[tuple[str, str], ...] = LICENCES


def about_of(state: ClusterState, own_versions: Sequence[tuple[str, str]]) -> AboutContent:
    """``own_versions``: of Crossply, its build, Python, Qt and the system, as the caller knows them."""
    here = [machine.name for machine in state.machines if machine.id not in {remote.id for remote in state.remotes}]
    own = (here[0] if here else tr("this machine"), _build_of(state.runtime, tr("no llama.cpp programs")))
    remotes = tuple(
        (remote.name, _build_of(None if remote.look is None or remote.look.usable is None else remote.look.usable.runtime,
                                tr("not looked at yet") if remote.look is None else tr("none that could be used")))
        for remote in state.remotes
    )  # fmt: skip
    return AboutContent(versions=tuple(own_versions), machines=(own, *remotes))


def about_as_text(content: AboutContent) -> str:
    """For a bug report."""
    versions = "\n".join(f"{what}: {which}" for what, which in content.versions)
    machines = "\n".join(tr("llama.cpp on {name}: {build}", name=name, build=build) for name, build in content.machines)
    return f"{versions}\n{machines}\n"


def _build_of(runtime: Runtime | None, otherwise: str) -> str:
    if runtime is None:
        return otherwise
    protocol = f" · RPC {runtime.protocol}" if runtime.protocol else ""
    return f"{runtime.label} · {', '.join(runtime.backends) or tr('backends not known')}{protocol}"
