"""Recent files: newest first, few, only those that are there, and never an error."""

from engine.settings.recent_files import RecentFilesInSettings
from engine.settings.settings_file import FILE_NAME, MOST_RECENT, load_settings


def test_the_last_is_first_and_what_has_gone_is_not_listed(tmp_path):
    recent = RecentFilesInSettings(tmp_path)
    files = [tmp_path / f"{number}.gguf" for number in range(MOST_RECENT + 3)]
    for file in files:
        file.touch()
        recent.note_model(str(file))
    recent.note_model(str(files[5]))
    assert recent.models()[:2] == (str(files[5]), str(files[-1]))
    assert len(recent.models()) == MOST_RECENT
    files[5].unlink()
    assert recent.models()[0] == str(files[-1])
    assert len(load_settings(tmp_path).recent_models) == MOST_RECENT, "it may come back: a disk that is not mounted"


def test_clusters_and_the_one_that_is_open(tmp_path):
    recent = RecentFilesInSettings(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).touch()
        recent.note_cluster(str(tmp_path / name))
    assert recent.clusters() == (str(tmp_path / "b"), str(tmp_path / "a"))
    assert load_settings(tmp_path).cluster_path == str(tmp_path / "b")


NEWER = '{"version": 99}'


def test_the_settings_file_of_a_newer_crossply_is_left_alone(tmp_path, caplog):
    (tmp_path / FILE_NAME).write_text(NEWER)
    recent = RecentFilesInSettings(tmp_path)
    recent.note_model("/m")
    assert recent.models() == ()
    assert (tmp_path / FILE_NAME).read_text() == NEWER
    assert "not remembered" in caplog.text
