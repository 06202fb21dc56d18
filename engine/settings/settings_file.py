"""Settings that survive: a small versioned JSON file, written whole, changed under a lock across processes.

A file of a newer version is refused and left alone (nothing lost by going back to an older Crossply); an older one is migrated
step by step, one function a version; one that makes no sense is set aside and said so, and the defaults hold. Rejected:
QSettings (the engine knows no Qt), pydantic (8 MB for six fields), refusing to start for a damaged file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec

from engine.errors import BadInput
from engine.settings.on_disk.damaged_files import set_aside
from engine.settings.on_disk.file_lock import hold_lock
from engine.settings.on_disk.notices import tell
from engine.settings.on_disk.whole_files import read_bounded, write_atomically
from engine.settings.ssh_target import checked_target
from engine.vocabulary.plan import Policy
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.worker import Layout

VERSION = 5
FILE_NAME = "settings.json"
MOST_RECENT = 8
LARGEST_BYTES = 4 << 20
"""A thousand machines are 0.1 MB."""

_Count = Annotated[int, msgspec.Meta(ge=1, lt=2**31)]


class RememberedMachine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a remote machine was addressed. What it was opened to, and every secret, is asked for anew."""

    host: str
    user: str | None = None
    port: int | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person set, with the defaults."""

    version: int = VERSION
    runtime_folder: str | None = None
    """llama.cpp programs to use; ``None`` = the best that is found."""
    model_path: str | None = None
    """The model that was chosen last."""
    reserve_fraction: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.20
    """Share of every device's memory that is left alone."""
    policy: str = "fastest"
    layout: str = "per-device"
    prompt_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """What "fastest" is to be fast at: 0 = chat, 1 = documents."""
    context_tokens: _Count = 4096
    slots: _Count = 1
    machines: tuple[RememberedMachine, ...] = ()
    """Remote machines that were in the cluster."""
    model_folders: tuple[str, ...] = ()
    """Where else models are looked for."""
    recent_models: tuple[str, ...] = ()
    """Paths, the one that was used last first."""
    recent_clusters: tuple[str, ...] = ()
    """The same for cluster files."""
    cluster_path: str | None = None
    """The cluster file that was open last."""
    recovery: str = "automatic"
    """What happens when a run breaks: ask, automatic, never."""
    api_port: Annotated[int, msgspec.Meta(ge=1, lt=65536)] = 8080
    """Where clients reached the API last: tried first the next time."""
    api_key_on_loopback: bool = False
    """Programs on this machine need the API key as well."""
    api_wait_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 60.0
    """How long a request may wait for a llama-server that is on its way."""


def _with_machines(raw: dict[str, Any]) -> dict[str, Any]:
    """1 -> 2: machines are remembered. None were, so there is nothing to say; an older Crossply must refuse the file."""
    return raw | {"version": 2}


def _with_prompt_share(raw: dict[str, Any]) -> dict[str, Any]:
    """2 -> 3: chat or documents. It was chat."""
    return raw | {"version": 3}


def _with_files(raw: dict[str, Any]) -> dict[str, Any]:
    """3 -> 4: recent files and model folders. The model that was chosen last is the only recent one that is known."""
    model = raw.get("model_path")
    return raw | {"version": 4, "recent_models": [model] if isinstance(model, str) else []}


def _with_service(raw: dict[str, Any]) -> dict[str, Any]:
    """4 -> 5: what happens when a run breaks (it ended; now it is started again unless the person says otherwise), and where
    the API is and who needs its key (what was opened on the network is asked for anew)."""
    return raw | {"version": 5}


_MIGRATORS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _with_machines,
    2: _with_prompt_share,
    3: _with_files,
    4: _with_service,
}
"""From version n to n + 1."""


class _DamagedError(Exception):
    """Why the file makes no sense, as the end of a sentence."""


def load_settings(folder: Path) -> Settings:
    """Settings of this user; the defaults when there is no file, or one that makes no sense: that is set aside and told.

    Raises ``BadInput`` for a file that cannot be read, or is of a newer Crossply: it is left alone.
    """
    try:
        return _read(folder / FILE_NAME)
    except _DamagedError:
        return _without_damage(folder / FILE_NAME)


def usable_settings(folder: Path) -> Settings:
    """As ``load_settings``; where the file is to be left alone, the defaults. Nothing is said: who starts says it, once."""
    try:
        return load_settings(folder)
    except BadInput:
        return Settings()


def save_settings(folder: Path, settings: Settings) -> None:
    """Write them, all or nothing. Raises ``OSError``."""
    write_atomically(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(settings)))


def update_settings(folder: Path, change: Callable[[Settings], Settings]) -> Settings:
    """Read, change, write, one thread and one process after the other. Returns what the file says now.

    Raises ``BadInput`` and ``OSError``; then the file is as it was.
    """
    before = load_settings(folder)
    if change(before) == before:
        return before  # nothing is made by looking, no lock either
    with hold_lock(folder / FILE_NAME):
        before = load_settings_held(folder)
        after = change(before)
        if after != before:
            save_settings(folder, after)
        return after


def load_settings_held(folder: Path) -> Settings:
    """The same as ``load_settings`` for who holds the lock."""
    path = folder / FILE_NAME
    try:
        return _read(path)
    except _DamagedError as damage:
        tell(set_aside(path, what="The settings file", why=str(damage)))
        return Settings()


def _without_damage(path: Path) -> Settings:
    try:
        with hold_lock(path):
            return load_settings_held(path.parent)  # another process may have set it aside, or written it, meanwhile
    except OSError as error:
        tell(f"The settings file {path} cannot be used, and not be set aside ({error.strerror}): the defaults hold.")
        return Settings()


def _read(path: Path) -> Settings:
    """Raises ``BadInput`` and ``_DamagedError``."""
    try:
        content = read_bounded(path, LARGEST_BYTES)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).", advice="Let this user read it, or remove it.") from None
    raw = _decoded(content)
    version = raw.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _DamagedError("it has no version")
    if version > VERSION:
        raise BadInput(f"{path} was written by a newer Crossply (version {version}).", advice="Use that one, or remove it.")
    while version < VERSION:
        raw = _MIGRATORS[version](raw)
        version += 1
    return _checked(raw)


def _decoded(content: bytes) -> dict[str, Any]:
    if len(content) > LARGEST_BYTES:
        raise _DamagedError("it is far too large")
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _DamagedError(f"it is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise _DamagedError("it has no version")
    return raw


def _checked(raw: dict[str, Any]) -> Settings:
    """Words that mean nothing are damage too. Raises ``_DamagedError``."""
    try:
        settings = msgspec.convert(raw, Settings)
        Policy(settings.policy)
        Layout(settings.layout)
        for machine in settings.machines:
            checked_target(SshTarget(host=machine.host, user=machine.user, port=machine.port))
    except BadInput as error:
        raise _DamagedError(error.happened.rstrip(".")) from None
    except (ValueError, RecursionError) as error:  # msgspec.ValidationError among them
        raise _DamagedError(str(error)) from None
    return settings


def with_recent(paths: tuple[str, ...], path: str) -> tuple[str, ...]:
    """``path`` in front, and no more than are worth a list."""
    return (path, *(other for other in paths if other != path))[:MOST_RECENT]
