"""What this machine gives to a build on another one: the pinned source from its cache, and its cmake and ninja."""

from __future__ import annotations

import platform
from collections.abc import Callable

from engine.cluster.matching import can_be_copied
from engine.errors import RuntimeUnavailable
from engine.ports import CancelToken
from engine.runtimes.building.build_from_source import SOURCE, fetch_source
from engine.runtimes.remote.building.build_there import BuildInputs
from engine.runtimes.remote.building.our_cmake import find_our_tools, pack, system_of
from engine.runtimes.remote.building.send_archive import Archive
from engine.runtimes.remote.remote_system import RemoteSystem
from engine.settings.folders import Folders


def inputs_here(folders: Folders, token: CancelToken, *, this_cpu_only: bool = False) -> BuildInputs:
    """Nothing is fetched before it is asked for."""

    def source(on_bytes: Callable[[int, int], None]) -> Archive:
        return Archive(path=fetch_source(folders, on_bytes, token), sha256=SOURCE.sha256)

    def programs(system: RemoteSystem) -> Archive | str:
        return _programs(folders, system, token)

    return BuildInputs(source=source, programs=programs, this_cpu_only=this_cpu_only)


def _programs(folders: Folders, system: RemoteSystem, token: CancelToken) -> Archive | str:
    """The package, or why there is none for such a machine."""
    try:
        tools = find_our_tools(folders.data / "build-tools", token)
    except RuntimeUnavailable as error:
        return str(error)
    if tools is None:
        return "they are not where pip puts them."
    needed = system_of(tools, os_family=platform.system(), architecture=platform.machine())
    why_not = can_be_copied(needed, system.programs)
    return why_not or pack(tools, folders.cache / "build-programs")
