"""Model files on disk: parts of a split model, folders, and paths that are not models."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import BadModelFile
from engine.runtimes.model_files import GgufModelFiles, list_model_files
from tests.fakes.llama_cpp import gguf_bytes as make
from tests.fakes.llama_cpp.gguf_writer import write_llama


def split_model(folder: Path) -> list[Path]:
    write_llama(folder / "split.gguf", n_layers=4, split_tensors=15)
    return sorted(folder.glob("split-*.gguf"))


def test_a_split_model_is_read_as_one_from_any_part(tmp_path: Path) -> None:
    parts = split_model(tmp_path)
    assert [part.name for part in parts] == [f"split-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    reader = GgufModelFiles()
    whole = reader.read(str(write_llama(tmp_path / "split2.gguf", n_layers=4)))
    for part in parts:
        model = reader.read(str(part))
        assert model.path == str(parts[0])
        assert model.files == tuple(str(path) for path in parts)
        assert replace(model, path=whole.path, files=whole.files, name=whole.name) == whole


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    parts = split_model(tmp_path)
    parts[1].unlink()
    with pytest.raises(BadModelFile, match=r"split-00002-of-00003\.gguf cannot be read: No such file"):
        GgufModelFiles().read(str(parts[2]))


def test_a_part_under_a_wrong_name(tmp_path: Path) -> None:
    parts = split_model(tmp_path)
    parts[1].write_bytes(parts[2].read_bytes())
    with pytest.raises(BadModelFile, match="does not hold part 2 of 3"):
        GgufModelFiles().read(str(parts[0]))
    renamed = parts[0].rename(tmp_path / "renamed.gguf")
    with pytest.raises(BadModelFile, match=r"NAME-00001-of-00003\.gguf"):
        GgufModelFiles().read(str(renamed))


@pytest.mark.parametrize("count", [2, 60_000, 1 << 31])
def test_a_hostile_number_of_parts(tmp_path: Path, count: int) -> None:
    path = tmp_path / "m-00001-of-00003.gguf"
    path.write_bytes(make.gguf([make.number("split.count", count)]))
    with pytest.raises(BadModelFile, match=f"one of {count} parts"):
        GgufModelFiles().read(str(path))


def test_what_is_not_a_readable_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    for path, what in (
        (tmp_path / "missing.gguf", "No such file"),
        (tmp_path, "is not a file"),
        (tmp_path / "pipe.gguf", "is not a file"),
        (tmp_path / ("x" * 300), "too long"),
        (tmp_path / "null\0byte", "cannot be the name"),
    ):
        with pytest.raises(BadModelFile, match=what):
            GgufModelFiles().read(str(path))


def test_the_sentence_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "page.gguf"
    path.write_text("<html>404</html>")
    with pytest.raises(BadModelFile) as caught:
        GgufModelFiles().read(str(path))
    assert str(caught.value) == (
        "page.gguf is not a GGUF file: it does not begin with the letters GGUF. Choose another model file."
    )


def test_models_of_a_folder(tmp_path: Path) -> None:
    parts = split_model(tmp_path)
    for name in ("b.gguf", "A.GGUF", "mmproj-b.gguf", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.gguf").mkdir()
    assert list_model_files(str(tmp_path)) == (str(tmp_path / "A.GGUF"), str(tmp_path / "b.gguf"), str(parts[0]))
    with pytest.raises(BadModelFile, match="cannot be read"):
        list_model_files(str(tmp_path / "nowhere"))
