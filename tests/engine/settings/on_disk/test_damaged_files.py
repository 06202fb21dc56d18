"""Set aside, never overwritten, under a name that says when."""

from datetime import UTC, datetime

from engine.settings.on_disk.damaged_files import set_aside

NOW = datetime(2026, 11, 26, 18, 5, 0, tzinfo=UTC)


def test_every_damaged_file_is_kept(tmp_path):
    path = tmp_path / "settings.json"
    for content in ("one", "two", "three"):
        path.write_text(content)
        sentence = set_aside(path, what="The settings file", why="it is not JSON", now=NOW)
    assert sorted((file.name, file.read_text()) for file in tmp_path.iterdir()) == [
        ("settings.json.damaged-20261126-180500", "one"),
        ("settings.json.damaged-20261126-180500-2", "two"),
        ("settings.json.damaged-20261126-180500-3", "three"),
    ]
    aside = f"{path}.damaged-20261126-180500-3"
    assert sentence == f"The settings file was damaged (it is not JSON): it is kept as {aside}, and a new one is begun."


def test_what_belongs_to_it_goes_along(tmp_path):
    for name in ("h.sqlite", "h.sqlite-wal"):
        (tmp_path / name).write_text(name)
    set_aside(tmp_path / "h.sqlite", what="It", why="x", companions=("-wal", "-shm"), now=NOW)
    names = ["h.sqlite.damaged-20261126-180500", "h.sqlite.damaged-20261126-180500-wal"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
