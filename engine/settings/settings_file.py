"""Settings that survive: a small versioned JSON file, written atomically.

A file of a newer version is refused and left alone (nothing lost by going back to an older Crossply); an older one is migrated
step by step, one function a version. Rejected: QSettings (the engine knows no Qt), pydantic (8 MB for six fields).
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec

from engine.errors import BadInput

VERSION = 5
FILE_NAME = "settings.json"
MOST_RECENT = 8
_writing = threading.Lock()
"""Several threads change the file, each a part of it."""

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
    """4 -> 5: where the API is, and who needs its key. What was opened on the network is asked for anew."""
    return raw | {"version": 5}


_MIGRATORS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _with_machines,
    2: _with_prompt_share,
    3: _with_files,
    4: _with_service,
}
"""From version n to n + 1."""


def load_settings(folder: Path) -> Settings:
    """Settings of this user; the defaults when there is no file. Raises ``BadInput`` for a file that cannot be used."""
    path = folder / FILE_NAME
    try:
        raw = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).", advice="Let this user read it, or remove it.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not JSON ({error}).", advice="Mend it, or remove it to go back to the defaults.") from None
    version = raw.get("version") if isinstance(raw, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BadInput(f"{path} has no version.", advice="Mend it, or remove it to go back to the defaults.")
    if version > VERSION:
        raise BadInput(f"{path} was written by a newer Crossply (version {version}).", advice="Use that one, or remove it.")
    while version < VERSION:
        raw = _MIGRATORS[version](raw)
        version += 1
    try:
        return msgspec.convert(raw, Settings)
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}.", advice="Mend it, or remove it to go back to the defaults.") from None


def save_settings(folder: Path, settings: Settings) -> None:
    """Write them, all or nothing."""
    write_atomically(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(settings)))


def update_settings(folder: Path, change: Callable[[Settings], Settings]) -> Settings:
    """Read, change, write, one thread after the other. Returns what the file says now. Raises ``BadInput`` and ``OSError``."""
    with _writing:
        before = load_settings(folder)
        after = change(before)
        if after != before:
            save_settings(folder, after)
        return after


def with_recent(paths: tuple[str, ...], path: str) -> tuple[str, ...]:
    """``path`` in front, and no more than are worth a list."""
    return (path, *(other for other in paths if other != path))[:MOST_RECENT]


def write_atomically(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
