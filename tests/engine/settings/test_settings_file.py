"""Settings: kept, refused in one sentence, never half written."""

import json
import threading

import pytest
from msgspec import structs

from engine.errors import BadInput
from engine.settings.on_disk.whole_files import write_atomically
from engine.settings.settings_file import (
    FILE_NAME,
    LARGEST_BYTES,
    VERSION,
    RememberedMachine,
    Settings,
    load_settings,
    save_settings,
    update_settings,
    usable_settings,
)


def written(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return tmp_path


MACHINES = (RememberedMachine(host="gpu-node", user="ada", port=2222), RememberedMachine(host="10.0.0.7"))


def test_a_file_of_version_4_starts_a_broken_run_again(tmp_path):
    settings = load_settings(written(tmp_path, {"version": 4, "policy": "even"}))
    assert (settings.version, settings.policy, settings.recovery) == (VERSION, "even", "automatic")


def test_a_file_of_version_1_has_no_machines_and_keeps_the_rest(tmp_path):
    settings = load_settings(written(tmp_path, {"version": 1, "policy": "even"}))
    assert settings == Settings(policy="even")
    assert (settings.version, settings.machines, settings.prompt_share) == (VERSION, (), 0.0)


def test_an_older_crossply_refuses_what_is_written_now(tmp_path):
    save_settings(tmp_path, Settings(machines=MACHINES))
    assert json.loads((tmp_path / FILE_NAME).read_bytes())["version"] == VERSION


def test_without_a_file_there_are_defaults(tmp_path):
    assert load_settings(tmp_path / "none") == Settings()
    assert Settings().version == VERSION


def test_what_is_saved_is_loaded(tmp_path):
    settings = Settings(model_path="/m/ü.gguf", reserve_fraction=0.3, policy="even", context_tokens=512, machines=MACHINES)
    save_settings(tmp_path / "new" / "folder", settings)
    assert load_settings(tmp_path / "new" / "folder") == settings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b" " * (LARGEST_BYTES + 1), "far too large"),
        (b'{"version": 1, "policy": "\xff"}', ""),
        (b"[]", "has no version"),
        ({}, "has no version"),
        ({"version": "1"}, "has no version"),
        ({"version": True}, "has no version"),
        ({"version": 0}, "has no version"),
        ({"version": 1, "colour": "red"}, "colour"),
        ({"version": 1, "slots": "two"}, "slots"),
        ({"version": 1, "slots": 0}, "slots"),
        ({"version": 1, "context_tokens": -1}, "context_tokens"),
        ({"version": 1, "reserve_fraction": 1.0}, "reserve_fraction"),
        ({"version": 2, "machines": [{"user": "ada"}]}, "host"),
        ({"version": 2, "machines": [{"host": "h", "password": "x"}]}, "password"),
        ({"version": 2, "machines": [{"host": "-oProxyCommand=x"}]}, "-oProxyCommand=x"),
        ({"version": 4, "policy": "guess"}, "guess"),
        ({"version": 4, "layout": "guess"}, "guess"),
    ],
)
def test_a_file_that_makes_no_sense_is_set_aside_and_told_once(tmp_path, caplog, content, said):
    written(tmp_path, content)
    before = (tmp_path / FILE_NAME).read_bytes()
    assert load_settings(tmp_path) == Settings()
    assert load_settings(tmp_path) == Settings()
    (sentence,) = [record.getMessage() for record in caplog.records]
    (aside,) = tmp_path.glob("*.damaged-*")
    assert said in sentence
    assert str(aside) in sentence
    assert "\n" not in sentence
    assert aside.read_bytes() == before
    update_settings(tmp_path, lambda settings: structs.replace(settings, slots=2))
    assert load_settings(tmp_path).slots == 2
    assert aside.read_bytes() == before


def test_a_damaged_file_that_cannot_be_set_aside_is_told_and_stays(tmp_path, caplog, monkeypatch):
    written(tmp_path, b"{")

    def refuse(_path, _to):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "rename", refuse)
    assert load_settings(tmp_path) == Settings()
    assert "not be set aside (Permission denied): the defaults hold" in caplog.text
    assert (tmp_path / FILE_NAME).read_bytes() == b"{"


def test_a_folder_in_its_place(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        load_settings(tmp_path)


def test_a_newer_file_is_left_alone(tmp_path):
    newer = {"version": VERSION + 1, "new": "thing"}
    with pytest.raises(BadInput, match="written by a newer Crossply"):
        load_settings(written(tmp_path, newer))
    with pytest.raises(BadInput, match="written by a newer Crossply"):
        update_settings(tmp_path, lambda settings: structs.replace(settings, slots=2))
    assert json.loads((tmp_path / FILE_NAME).read_bytes()) == newer
    assert usable_settings(tmp_path) == Settings(), "for who can go on without"
    save_settings(tmp_path, Settings(slots=2))
    assert usable_settings(tmp_path).slots == 2


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    target = tmp_path / "f"
    target.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_write_replaces_all_of_it(tmp_path):
    for content in (b"a long first content", b"short"):
        write_atomically(tmp_path / "f", content)
    assert (tmp_path / "f").read_bytes() == b"short"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_version_3_knows_the_model_that_was_chosen(tmp_path):
    settings = load_settings(written(tmp_path, {"version": 3, "model_path": "/m.gguf"}))
    assert (settings.recent_models, settings.recent_clusters, settings.cluster_path) == (("/m.gguf",), (), None)
    assert load_settings(written(tmp_path, {"version": 3})).recent_models == ()


def test_threads_change_their_own_parts(tmp_path):
    def grow(number):
        update_settings(tmp_path, lambda before: structs.replace(before, model_folders=(*before.model_folders, str(number))))

    threads = [threading.Thread(target=grow, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(load_settings(tmp_path).model_folders) == [str(number) for number in range(8)]


def test_an_update_that_changes_nothing_writes_nothing(tmp_path):
    assert update_settings(tmp_path, lambda before: before) == Settings()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_version_4_has_the_api_on_this_machine_alone(tmp_path):
    settings = load_settings(written(tmp_path, {"version": 4, "policy": "even"}))
    assert settings == Settings(policy="even")
    assert (settings.api_port, settings.api_key_on_loopback, settings.api_wait_seconds) == (8080, False, 60.0)
