"""The portable archive's scripts: what ``install.sh`` puts somewhere, ``uninstall.sh`` takes away, and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "packaging/linux/portable"
ENTRY = "share/applications/org.crossply.Crossply.desktop"


@pytest.fixture
def unpacked(tmp_path):
    folder = tmp_path / "unpacked"
    (folder / "share/man/man1").mkdir(parents=True)
    (folder / "share/mime/packages").mkdir(parents=True)
    (folder / "share/applications").mkdir()
    for name in ("install.sh", "uninstall.sh"):
        shutil.copy(SCRIPTS / name, folder / name)
    (folder / ENTRY).write_text("[Desktop Entry]\nType=Application\nName=Crossply\nExec=crossply %f\n")
    (folder / "share/man/man1/crossply.1.gz").write_bytes(b"page")
    mime = '<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info"/>'
    (folder / "share/mime/packages/crossply.xml").write_text(mime)
    for name in ("crossply", "crossplyctl"):
        (folder / name).write_text("#!/bin/sh\necho started\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def home(tmp_path):
    made = tmp_path / "home & more"
    (made / ".local/share/man").mkdir(parents=True)
    (made / ".local/share/mine").write_text("kept")
    return made


def run(script, home, *words, status=0):
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    done = subprocess.run(
        ["sh", str(script), *words], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_what_was_installed_goes_and_what_was_there_stays(unpacked, home):
    before = everything(home)
    run(unpacked / "install.sh", home)
    prefix = home / ".local"
    started = subprocess.run([str(prefix / "bin/crossply")], capture_output=True, text=True, check=True)
    assert started.stdout == "started\n"
    assert f'Exec="{prefix}/bin/crossply" %f' in (prefix / ENTRY).read_text()
    assert (prefix / "share/man/man1/crossply.1.gz").read_bytes() == b"page"
    run(prefix / "lib/crossply/uninstall.sh", home)
    assert everything(home) == before, "an empty folder that was there is not ours to take"


def test_an_upgrade_takes_files_that_the_new_version_has_not(unpacked, home):
    (unpacked / "share/man/man1/old.1.gz").touch()
    run(unpacked / "install.sh", home)
    (unpacked / "share/man/man1/old.1.gz").unlink()
    run(unpacked / "install.sh", home)
    assert list(home.rglob("old.1.gz")) == []
    run(home / ".local/lib/crossply/uninstall.sh", home)
    assert everything(home / ".local") == ["share", "share/man", "share/mine"]


def test_a_folder_of_somebody_elses_is_not_replaced(unpacked, home):
    (home / ".local/lib/crossply").mkdir(parents=True)
    (home / ".local/lib/crossply/theirs").touch()
    assert "nothing was changed" in run(unpacked / "install.sh", home, status=1)
    assert everything(home / ".local/lib") == ["crossply", "crossply/theirs"]


def test_it_does_not_remove_what_it_did_not_install(unpacked, home):
    assert "not an installed Crossply" in run(unpacked / "uninstall.sh", home, status=1)
    assert (unpacked / "crossply").exists()
