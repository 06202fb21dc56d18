"""Where models are looked for: each program's own folders and variables."""

from pathlib import Path

import pytest

from engine.runtimes.models.model_places import stores_of
from engine.vocabulary.model import ModelPlace

HOME = Path("/home/ada")


def folders(place: ModelPlace, *, chosen: tuple[str, ...] = (), platform: str = "linux", **environment: str) -> list[str]:
    stores = stores_of(own=Path("/ours"), chosen=chosen, home=HOME, environment=environment, platform=platform)
    return [str(store.folder) for store in stores if store.place is place]


def test_without_any_variable() -> None:
    assert folders(ModelPlace.CROSSPLY) == ["/ours"]
    assert folders(ModelPlace.LM_STUDIO) == ["/home/ada/.lmstudio/models", "/home/ada/.cache/lm-studio/models"]
    assert folders(ModelPlace.OLLAMA)[:2] == ["/home/ada/.ollama/models", "/usr/share/ollama/.ollama/models"]
    assert folders(ModelPlace.HUGGING_FACE) == ["/home/ada/.cache/huggingface/hub"]
    assert folders(ModelPlace.LLAMA_CPP) == ["/home/ada/.cache/llama.cpp"]


@pytest.mark.parametrize(
    ("place", "environment", "folder"),
    [
        (ModelPlace.OLLAMA, {"OLLAMA_MODELS": "/big/ollama"}, "/big/ollama"),
        (ModelPlace.HUGGING_FACE, {"HF_HUB_CACHE": "/hub", "HF_HOME": "/no"}, "/hub"),
        (ModelPlace.HUGGING_FACE, {"HF_HOME": "~/hf"}, "/home/ada/hf/hub"),
        (ModelPlace.HUGGING_FACE, {"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        (ModelPlace.LLAMA_CPP, {"LLAMA_CACHE": "/lc"}, "/lc"),
        (ModelPlace.LLAMA_CPP, {"XDG_CACHE_HOME": "/c"}, "/c/llama.cpp"),
        (ModelPlace.LLAMA_CPP, {"platform": "darwin"}, "/home/ada/Library/Caches/llama.cpp"),
        (ModelPlace.LLAMA_CPP, {"platform": "win32", "LOCALAPPDATA": "/L"}, "/L/llama.cpp"),
        (ModelPlace.HUGGING_FACE, {"platform": "darwin"}, "/home/ada/.cache/huggingface/hub"),
    ],
)
def test_variables(place: ModelPlace, environment: dict[str, str], folder: str) -> None:
    assert folders(place, **environment)[0] == folder


def test_a_persons_folders_come_before_other_programs_and_each_folder_once() -> None:
    chosen = ("~/models", "/home/ada/.lmstudio/models", "/ours")
    assert folders(ModelPlace.FOLDER, chosen=chosen) == ["/home/ada/models", "/home/ada/.lmstudio/models"]
    assert folders(ModelPlace.LM_STUDIO, chosen=chosen) == ["/home/ada/.cache/lm-studio/models"]
