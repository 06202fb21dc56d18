"""Our files with several real processes at them, killed in the middle of writing, and on a disk that is really full.

What holds: nothing half-written is ever read, nobody's change is lost, what was there stays there, and it is said.
"""

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from engine.errors import BadClusterFile, BadInput, HistoryUnusable
from engine.measuring.probe_files import ProbeFiles
from engine.run_files.run_file import RunPublisher, read_running
from engine.settings.cluster_files.cluster_store import ClusterFilesOnDisk
from engine.settings.history.history_file import HistoryFile
from engine.settings.on_disk.leftovers import sweep_leftovers
from engine.settings.on_disk.whole_files import UNFINISHED
from engine.settings.settings_file import FILE_NAME, Settings, load_settings, update_settings
from engine.settings.speed_file import SpeedFile
from engine.ssh.host_keys.accepted_keys import keep_host_key
from engine.ssh.host_keys.known_hosts import host_key_of
from engine.vocabulary.worker import Speed
from tests.fakes.states.run_records import a_record

ROUNDS = 40
KILLS = 30
WRITERS = {
    "settings": """
from engine.settings.settings_file import update_settings
def write(n): update_settings(folder, lambda s: structs.replace(s, model_folders=(*s.model_folders, f"{name}-{n}")))
""",
    "speeds": """
from engine.settings.speed_file import SpeedFile
from engine.vocabulary.worker import Speed
def write(n): SpeedFile(folder / "speeds.json").save(f"{name}-{n}", Speed(read_bytes_per_second=1.0))
""",
    "history": """
from engine.settings.history.history_file import HistoryFile
from tests.fakes.states.run_records import a_record
def write(n): HistoryFile(folder / "history.sqlite").save(a_record(1.0, id=f"{name}-{n}"))
""",
    "cluster": """
from engine.errors import BadClusterFile
from engine.settings.cluster_files.cluster_store import ClusterFilesOnDisk
files, path = ClusterFilesOnDisk(folder / "locks"), str(folder / "lab.toml")
def write(n):
    while True:
        before = files.read(path)
        try:
            return files.write(path, before + f"# {name}-{n}\\n", before)
        except BadClusterFile as error:
            assert "changed by somebody else" in str(error), error
""",
}
HEAD = "import sys; from pathlib import Path; from msgspec import structs\nfolder, name = Path(sys.argv[1]), sys.argv[2]\n"
ROOT = Path(__file__).parents[3]


def writer(kind, folder, name, loop):
    """A process that will write; everything is imported when it is returned, and it begins with ``begin``."""
    code = f"{HEAD}{WRITERS[kind]}\nprint('ready', flush=True)\nsys.stdin.readline()\n{loop}"
    argv = [sys.executable, "-c", code, str(folder), name]
    process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    return process


def begin(*processes):
    """All at once."""
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.flush()


def read_back(kind, folder):
    """The names that were written, read as Crossply reads them. Raises for whatever is damaged."""
    if kind == "settings":
        names = load_settings(folder).model_folders
    elif kind == "speeds":
        path = folder / "speeds.json"
        names = tuple(msgspec.json.decode(path.read_bytes())["speeds"]) if path.exists() else ()
    elif kind == "history":
        names = tuple(run.id for run in HistoryFile(folder / "history.sqlite").runs(limit=10_000))
    else:
        names = tuple(line[2:] for line in ClusterFilesOnDisk().read(str(folder / "lab.toml")).splitlines())
    assert list(folder.glob("*damaged*")) == []
    return names


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lab.toml").touch()
    return tmp_path


@pytest.mark.parametrize("kind", WRITERS)
def test_three_processes_lose_nothing_of_each_other(folder, kind):
    loop = f"for n in range({ROUNDS}): write(n)"
    processes = [writer(kind, folder, name, loop) for name in ("a", "b", "c")]
    begin(*processes)
    for process in processes:
        with process:
            assert process.wait(120) == 0
    assert sorted(read_back(kind, folder)) == sorted(f"{name}-{n}" for name in "abc" for n in range(ROUNDS))
    assert list(folder.glob(f".*{UNFINISHED}")) == []


@pytest.mark.parametrize("kind", WRITERS)
def test_a_kill_in_the_middle_leaves_a_whole_file_with_all_that_was_said_to_be_written(folder, kind):
    """Each process tells what it has written; whatever moment it is killed at, that much is there, and the next goes on."""
    chance = random.Random(6)
    loop = "import itertools\nfor n in itertools.count():\n    write(n)\n    print(f'{name}-{n}', flush=True)"
    promised = []
    for round_ in range(KILLS // 3):
        process = writer(kind, folder, f"r{round_}", loop)
        with process:
            begin(process)
            time.sleep(chance.uniform(0.0, 0.15))
            process.kill()
            promised += process.stdout.read().decode().split()
        there = read_back(kind, folder)
        assert set(promised) <= set(there)
        assert len(there) == len(set(there))
    assert promised


def test_what_the_kills_leave_is_swept_when_it_is_old(data_folder):
    from engine.settings.folders import find_folders

    folders = find_folders()
    folders.state.mkdir(parents=True)
    code = (
        "import os, signal, sys; from pathlib import Path; from engine.settings.on_disk import whole_files\n"
        "whole_files.os.fsync = lambda _handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "whole_files.write_atomically(Path(sys.argv[1]), b'new')"
    )
    (folders.state / FILE_NAME).write_text('{"version": 4}')
    subprocess.run([sys.executable, "-c", code, str(folders.state / FILE_NAME)], cwd=ROOT, check=False)
    (left,) = folders.state.glob(f".{FILE_NAME}-*{UNFINISHED}")
    assert load_settings(folders.state) == Settings()
    assert sweep_leftovers(folders) == ()
    assert sweep_leftovers(folders, now=time.time() + 2 * 3600) == (left,)


def fill(disk):
    """To the last byte."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with suppress(OSError), (disk / "filler2").open("wb", buffering=0) as file:
        while True:
            file.write(b"x")


def test_a_full_disk_loses_nothing_that_was_there_and_is_told(small_disk, caplog):
    cluster, history = small_disk / "lab.toml", HistoryFile(small_disk / "history.sqlite")
    key, another = (host_key_of(name, "ssh-ed25519", b"k") for name in ("gpu", "other"))
    speeds, files = SpeedFile(small_disk / "speeds.json"), ClusterFilesOnDisk(small_disk / "cluster-files")
    update_settings(small_disk, lambda before: msgspec.structs.replace(before, slots=2))
    speeds.save("a", Speed(read_bytes_per_second=1.0))
    keep_host_key(small_disk / "known_hosts", key)
    files.write(str(cluster), "# theirs\n", None)
    kept = history.save(a_record(1.0))
    before = {path.name: path.read_bytes() for path in small_disk.iterdir()}
    fill(small_disk)

    with pytest.raises(OSError, match="No space left on device"):
        update_settings(small_disk, lambda settings: msgspec.structs.replace(settings, slots=3))
    speeds.save("b", Speed(read_bytes_per_second=2.0))
    assert "No space left on device" in caplog.text
    with pytest.raises(BadInput, match=r"No space left on device.*not kept"):
        keep_host_key(small_disk / "known_hosts", another)
    with pytest.raises(BadClusterFile, match="cannot be written: No space left on device"):
        files.write(str(cluster), "# ours " * 1000, "# theirs\n")
    with pytest.raises(HistoryUnusable, match=r"disk is full|disk I/O error"):
        history.save(a_record(*range(1, 2000)))
    publisher = RunPublisher(small_disk)
    with suppress(OSError):
        publisher.claim()
        with pytest.raises(OSError, match="No space left"):
            publisher.publish({"phase": "x" * 5000})
    assert read_running(small_disk) is None
    publisher.release()

    assert {name: (small_disk / name).read_bytes() for name in before if "sqlite" not in name} == {
        name: content for name, content in before.items() if "sqlite" not in name
    }
    assert list(small_disk.glob(f".*{UNFINISHED}")) == []
    for name in ("filler", "filler2"):
        (small_disk / name).unlink()
    assert load_settings(small_disk).slots == 2
    assert history.runs() == (kept,)
    update_settings(small_disk, lambda settings: msgspec.structs.replace(settings, slots=3))
    assert history.save(a_record(2.0)) in history.runs()


def test_what_is_exported_over_an_old_file_on_a_full_disk(small_disk):
    from gui.tabs.saving import _write_whole

    old, new = small_disk / "figures.csv", small_disk / "new.csv"
    old.write_text("of last week")
    fill(small_disk)
    for path in (old, new):
        with pytest.raises(OSError, match="No space left on device"):
            _write_whole(path, lambda made: made.write_text("x" * 100_000))
    assert old.read_text() == "of last week"
    assert not new.exists()


def test_a_calibration_on_a_full_disk_is_one_sentence(small_disk, monkeypatch):
    from engine.errors import RuntimeUnavailable
    from engine.measuring.probes import SHORT

    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    fill(small_disk)
    with ProbeFiles() as files, pytest.raises(RuntimeUnavailable, match="cannot be written: No space left on device"):
        files.facts(SHORT)


def test_two_processes_that_find_the_same_damage_set_it_aside_once(tmp_path):
    for round_ in range(6):
        folder = tmp_path / str(round_)
        folder.mkdir()
        for name in ("settings.json", "speeds.json", "history.sqlite"):
            (folder / name).write_bytes(b"this is no file of ours" * 100)
        kinds = ("settings", "speeds", "history")
        processes = [writer(kind, folder, name, "write(0)") for kind in kinds for name in ("a", "b")]
        begin(*processes)
        for process in processes:
            with process:
                assert process.wait(60) == 0
        asides = sorted(path.name.partition(".damaged-")[0] for path in folder.glob("*.damaged-*"))
        assert asides == ["history.sqlite", "settings.json", "speeds.json"]
        assert sorted(load_settings(folder).model_folders) == ["a-0", "b-0"]
        with sqlite3.connect(folder / "history.sqlite") as connection:
            assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(2,)]
        connection.close()
