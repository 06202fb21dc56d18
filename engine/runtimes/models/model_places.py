"""Where programs keep their models on this machine, from the environment and the home folder alone. Pure: it looks at nothing.

The variables and folders are those of each program's own documentation: Ollama's FAQ (``OLLAMA_MODELS``; the Linux service has
its own user), huggingface_hub's environment variables, llama.cpp's ``common/common.cpp`` (``fs_get_cache_directory``), LM
Studio's models folder before and since 0.3. Rejected: reading LM Studio's settings for another folder (an undocumented file;
whoever moved it can add the folder to their own).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.vocabulary.model import ModelPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One folder to look in, and how: each kind of store is laid out in its own way."""

    place: ModelPlace
    folder: Path


def stores_of(
    *, own: Path, chosen: tuple[str, ...], home: Path, environment: Mapping[str, str], platform: str = sys.platform
) -> tuple[Store, ...]:
    """Every folder to look in: our own first, then the person's, then other programs'."""
    caches = _cache_folder(home, environment, platform)
    hub = _hugging_face(environment, caches if platform.startswith("linux") else home / ".cache", home)
    found = [
        Store(place=ModelPlace.CROSSPLY, folder=own),
        *(Store(place=ModelPlace.FOLDER, folder=_under(home, text)) for text in chosen),
        Store(place=ModelPlace.LM_STUDIO, folder=home / ".lmstudio" / "models"),
        Store(place=ModelPlace.LM_STUDIO, folder=home / ".cache" / "lm-studio" / "models"),
        *(Store(place=ModelPlace.OLLAMA, folder=folder) for folder in _ollama(environment, home)),
        Store(place=ModelPlace.HUGGING_FACE, folder=hub),
        Store(place=ModelPlace.LLAMA_CPP, folder=_set(environment, "LLAMA_CACHE", home) or caches / "llama.cpp"),
    ]
    first: dict[Path, Store] = {}
    for store in found:
        first.setdefault(store.folder, store)
    return tuple(first.values())


def _cache_folder(home: Path, environment: Mapping[str, str], platform: str) -> Path:
    if platform == "darwin":
        return home / "Library" / "Caches"
    if platform == "win32":
        return _set(environment, "LOCALAPPDATA", home) or home / "AppData" / "Local"
    return _set(environment, "XDG_CACHE_HOME", home) or home / ".cache"


def _ollama(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    of_person = _set(environment, "OLLAMA_MODELS", home) or home / ".ollama" / "models"
    return of_person, Path("/usr/share/ollama/.ollama/models"), Path("/var/lib/ollama")


def _hugging_face(environment: Mapping[str, str], caches: Path, home: Path) -> Path:
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if (folder := _set(environment, variable, home)) is not None:
            return folder
    top = _set(environment, "HF_HOME", home)
    return (caches / "huggingface" if top is None else top) / "hub"


def _set(environment: Mapping[str, str], variable: str, home: Path) -> Path | None:
    text = environment.get(variable, "").strip()
    return _under(home, text) if text else None


def _under(home: Path, text: str) -> Path:
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return home / text
