"""Where our files are."""

from pathlib import Path

from engine.settings.folders import find_folders


def test_one_variable_moves_everything(tmp_path):
    folders = find_folders({"CROSSPLY_DATA": str(tmp_path)})
    places = (folders.data, folders.cache, folders.state, folders.logs, folders.runtimes, folders.models)
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(tmp_path) for place in places)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_folder_is_made_absolute():
    assert find_folders({"CROSSPLY_DATA": "here"}).data == Path.cwd() / "here"


def test_without_it_the_folders_are_the_systems_and_carry_our_name():
    folders = find_folders({})
    assert all("crossply" in str(place) for place in (folders.data, folders.cache, folders.state, folders.logs))
    assert folders.data != folders.cache
