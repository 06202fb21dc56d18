"""The search: each store's layout, its bounds, and what it must not follow."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from engine.errors import Cancelled
from engine.runtimes.models import found_models
from engine.runtimes.models.found_models import search_stores
from engine.runtimes.models.model_places import Store
from engine.session.jobs import Token
from engine.vocabulary.model import FoundModel, ModelPlace
from tests.fakes.llama_cpp import gguf_bytes as make

HEX = "0123456789abcdef" * 4


def model_bytes(architecture: str = "llama", size: int = 1000) -> bytes:
    head = make.gguf([make.string("general.architecture", architecture)])
    return head + bytes(size - len(head))


def put(path: Path, content: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model_bytes() if content is None else content)
    return path


def found(*stores: tuple[ModelPlace, Path], **bounds: object) -> list[FoundModel]:
    made = tuple(Store(place=place, folder=folder) for place, folder in stores)
    return [model for models in search_stores(made, Token(), **bounds) for model in models]


def test_a_folder_with_all_that_lies_in_it(tmp_path: Path) -> None:
    put(tmp_path / "pub" / "repo" / "b.gguf", model_bytes(size=2000))
    put(tmp_path / "A.GGUF")
    put(tmp_path / "repo" / "projector.gguf", model_bytes("clip"))
    put(tmp_path / "repo" / "mmproj-b.gguf")
    put(tmp_path / "page.gguf", b"<html>404</html>")
    put(tmp_path / ".hidden" / "h.gguf")
    (tmp_path / "folder.gguf").mkdir()
    put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/not-utf8-\xff.gguf")))
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling.gguf").symlink_to(tmp_path / "nowhere")
    models = found((ModelPlace.LM_STUDIO, tmp_path))
    assert [(model.name, model.size_bytes) for model in models] == [("A.GGUF", 1000), ("b.gguf", 2000)]
    assert models[1].path == str(tmp_path / "pub" / "repo" / "b.gguf")
    assert found((ModelPlace.LM_STUDIO, tmp_path / "nowhere")) == []


def test_a_split_model_is_one_with_the_size_of_all_its_parts(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        put(tmp_path / f"big-0000{number}-of-00003.gguf")
    put(tmp_path / "half-00001-of-00002.gguf")
    put(tmp_path / "rest-00002-of-00002.gguf")
    put(tmp_path / "mad-00001-of-99999.gguf")
    big, half, mad = found((ModelPlace.FOLDER, tmp_path))
    assert (big.name, big.size_bytes, big.n_missing_parts) == ("big (3 parts)", 3000, 0)
    assert (half.name, half.n_missing_parts) == ("half (2 parts)", 1)
    assert mad.n_missing_parts == 99_998


def test_a_file_is_listed_once_in_the_first_store_that_has_it(tmp_path: Path) -> None:
    put(tmp_path / "ours" / "m.gguf")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "same.gguf").symlink_to(tmp_path / "ours" / "m.gguf")
    models = found((ModelPlace.CROSSPLY, tmp_path / "ours"), (ModelPlace.FOLDER, tmp_path / "theirs"))
    assert [(model.name, model.place) for model in models] == [("m.gguf", ModelPlace.CROSSPLY)]


def hub_file(hub: Path, name: str, revision: str = "r1", *, target: Path | None = None) -> None:
    repository = hub / "models--org--name"
    blob = put(repository / "blobs" / HEX) if target is None else target
    link = repository / "snapshots" / revision / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(blob, link.parent))


def test_the_hugging_face_cache_has_real_names_and_stays_inside(tmp_path: Path, caplog) -> None:
    secret = put(tmp_path / "secret.gguf")
    hub = tmp_path / "hub"
    hub_file(hub, "gemma-Q4.gguf")
    hub_file(hub, "gemma-Q4.gguf", "r2")
    hub_file(hub, "out.gguf", target=secret)
    put(hub / "models--org--copied" / "snapshots" / "r1" / "sub" / "copied.gguf")
    put(hub / "datasets--org--name" / "snapshots" / "r1" / "no.gguf")
    models = found((ModelPlace.HUGGING_FACE, hub))
    assert [model.name for model in models] == ["copied.gguf", "gemma-Q4.gguf"]
    assert models[1].path.endswith("snapshots/r1/gemma-Q4.gguf"), "a split model's parts are found by their names"
    assert "leads out of the Hugging Face cache" in caplog.text


def ollama(store: Path, name: str, digest: str = f"sha256:{HEX}", text: bytes | None = None) -> None:
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": digest}
    content = json.dumps({"layers": [layer]}).encode() if text is None else text
    put(store / "manifests" / "registry.ollama.ai" / "library" / name, content)


def test_ollamas_models_by_their_own_names_and_hostile_manifests_are_skipped(tmp_path: Path, caplog) -> None:
    put(tmp_path / "secret.gguf")
    ollama(tmp_path, "llama3.2/3b")
    ollama(tmp_path, "old/1b", "sha256:" + "b" * 64)
    ollama(tmp_path, "gone/1b", "sha256:" + "c" * 64)
    ollama(tmp_path, "evil/1b", "../../secret.gguf")
    ollama(tmp_path, "linked/1b", "sha256:" + "d" * 64)
    ollama(tmp_path, "broken/1b", text=b"{")
    ollama(tmp_path, "huge/1b", text=b" " * (found_models.LARGEST_MANIFEST_BYTES + 1))
    ollama(tmp_path, "shallow", text=b"{}")
    (tmp_path / "manifests/registry.ollama.ai/library/link").symlink_to(tmp_path / "secret.gguf")
    put(tmp_path / "blobs" / f"sha256-{HEX}", model_bytes(size=5000))
    put(tmp_path / "blobs" / ("sha256:" + "b" * 64))
    (tmp_path / "blobs" / ("sha256-" + "d" * 64)).symlink_to(tmp_path / "secret.gguf")
    caplog.set_level(logging.WARNING)
    models = found((ModelPlace.OLLAMA, tmp_path))
    assert [(model.name, model.size_bytes) for model in models] == [("llama3.2:3b", 5000), ("old:1b", 1000)]
    assert models[0].path == str(tmp_path / "blobs" / f"sha256-{HEX}")
    for skipped in ("gone", "evil", "linked", "broken", "huge", "shallow"):
        assert f"library/{skipped}" in caplog.text


def test_the_search_ends_in_time_and_keeps_what_it_found(tmp_path: Path, caplog) -> None:
    for number in range(20):
        put(tmp_path / "a" / f"{number:02}.gguf")
        put(tmp_path / "b" / f"{number:02}.gguf")
    ticks = iter(range(10_000))
    stores = (ModelPlace.FOLDER, tmp_path / "a"), (ModelPlace.FOLDER, tmp_path / "b")
    models = found(*stores, seconds=25, now=lambda: next(ticks))
    assert len(models) == 20
    assert "stopped after" in caplog.text
    assert len(found(*stores)) == 40


def test_too_many_files_and_too_many_models(tmp_path: Path, monkeypatch, caplog) -> None:
    for number in range(20):
        put(tmp_path / f"{number:02}.gguf")
    monkeypatch.setattr(found_models, "MOST_MODELS", 5)
    assert len(found((ModelPlace.FOLDER, tmp_path))) == 5
    monkeypatch.setattr(found_models, "MOST_ENTRIES", 10)
    assert found((ModelPlace.FOLDER, tmp_path)) == []
    assert "stopped after" in caplog.text


def test_a_search_can_be_cancelled(tmp_path: Path) -> None:
    put(tmp_path / "m.gguf")
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        list(search_stores((Store(place=ModelPlace.FOLDER, folder=tmp_path),), token))
