"""The API key: made, read by its owner alone, replaced, forgotten."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import BadInput
from engine.settings.api_key_file import ApiKeyFile


@pytest.fixture
def keys(tmp_path):
    return ApiKeyFile(tmp_path / "state")


def test_there_is_none_until_one_is_made(keys):
    assert keys.load() is None
    key = keys.make()
    assert keys.load() == key
    assert ApiKeyFile(keys.path.parent).load() == key


def test_it_is_long_and_never_the_same(keys):
    made = {keys.make() for _ in range(20)}
    assert len(made) == 20
    assert all(key.startswith("sk-crossply-") and len(key) >= 50 and key.isascii() and " " not in key for key in made)


def test_only_its_owner_reads_it(keys):
    before = os.umask(0)
    try:
        keys.make()
        keys.make()
    finally:
        os.umask(before)
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_a_key_that_was_replaced_from_outside_counts_at_once(keys):
    keys.make()
    keys.load()
    new = ApiKeyFile(keys.path.parent).make()
    assert keys.load() == new
    keys.forget()
    keys.forget()
    assert keys.load() is None


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n"])
def test_an_empty_file_is_no_key(keys, content):
    keys.make()
    keys.path.write_bytes(content)
    assert keys.load() is None


@pytest.mark.parametrize("content", [b"\xff\xfe", b"one\ntwo\n", b"\0" * 64], ids=["no text", "two lines", "zeros"])
def test_a_damaged_file_is_no_key_and_another_is_made(keys, content):
    """Else it stood in the head of every request to llama-server, and each launch broke of it."""
    keys.make()
    keys.path.write_bytes(content)
    assert keys.load() is None
    assert keys.make() == keys.load()


def test_a_key_that_a_person_wrote_counts(keys):
    keys.make()
    keys.path.write_bytes(b"open sesame, please\r\n")
    assert keys.load() == "open sesame, please"


def test_a_folder_in_its_place_is_no_key(keys):
    keys.make()
    keys.path.unlink()
    keys.path.mkdir()
    assert keys.load() is None


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="API key cannot be written") as refused:
        ApiKeyFile(tmp_path / "file").make()
    assert refused.value.advice


def test_two_windows_that_need_one_at_the_same_instant_get_the_same(tmp_path, monkeypatch):
    """Else the llama-server of the one that was first has a key that no client of it knows any more."""
    windows = [ApiKeyFile(tmp_path / "state", "llama-server-key") for _ in range(2)]
    make = ApiKeyFile.make
    with ThreadPoolExecutor(1) as other_window:
        asked = []

        def make_while_the_other_asks(keys):
            if not asked:
                asked.append(other_window.submit(windows[1].load_or_make))
            return make(keys)

        monkeypatch.setattr(ApiKeyFile, "make", make_while_the_other_asks)
        first = windows[0].load_or_make()
        assert asked[0].result(5) == first
    assert windows[0].load() == first


def test_a_key_that_is_there_is_taken_and_one_that_cannot_be_kept_is_a_sentence(keys, tmp_path):
    key = keys.make()
    assert keys.load_or_make() == key
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="API key cannot be written"):
        ApiKeyFile(tmp_path / "file").load_or_make()
