"""Hashes of files on another machine, by whatever program it has."""

import hashlib
import shutil
import sys

import pytest

from engine.runtimes.remote.remote_hashes import remote_hashes
from tests.engine.runtimes.remote.shell_here import ShellHere
from tests.fakes.cancel_tokens import NeverCancelled

BASE = ("sh", "wc", "cat")


def _shell_with(tmp_path, *programs):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in (*BASE, *programs):
        (tools / name).symlink_to(shutil.which(name, path="/usr/bin:/bin") or shutil.which(name))
    return ShellHere(tmp_path / "home", path=str(tools))


def _script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "build/bin").mkdir(parents=True)
    (tmp_path / "build/bin/a b").write_bytes(b"one")
    (tmp_path / "build/c").write_bytes(b"")
    return tmp_path / "build"


@pytest.mark.parametrize("program", ["sha256sum", "shasum", "openssl", "python3"])
def test_every_program_says_the_same(tmp_path, folder, program):
    shell = _shell_with(tmp_path, *([program] if program in ("sha256sum", "openssl") else []))
    if program == "shasum":
        _script(tmp_path / "tools/shasum", f'[ "$1 $2" = "-a 256" ] || exit 1; shift 2; exec {shutil.which("sha256sum")} "$@"')
    elif program == "python3":
        _script(tmp_path / "tools/python3", f'exec {sys.executable} "$@"')
    seen = remote_hashes(shell, str(folder), ("bin/a b", "c", "missing"), NeverCancelled())
    assert seen.hashes == {"bin/a b": hashlib.sha256(b"one").hexdigest(), "c": hashlib.sha256(b"").hexdigest()}
    assert seen.sizes == {"bin/a b": 3, "c": 0}


def test_without_any_program_there_are_only_sizes(tmp_path, folder):
    seen = remote_hashes(_shell_with(tmp_path), str(folder), ("bin/a b",), NeverCancelled())
    assert seen.hashes is None
    assert seen.is_right("bin/a b", size_bytes=3, sha256="anything")
    assert not seen.is_right("bin/a b", size_bytes=4, sha256="anything")


def test_a_hash_that_differs_is_wrong(tmp_path, folder):
    seen = remote_hashes(ShellHere(tmp_path / "home"), str(folder), ("c",), NeverCancelled())
    assert seen.is_right("c", size_bytes=0, sha256=hashlib.sha256(b"").hexdigest())
    assert not seen.is_right("c", size_bytes=0, sha256=hashlib.sha256(b"x").hexdigest())


def test_a_folder_that_is_not_there_has_no_files(tmp_path):
    seen = remote_hashes(ShellHere(tmp_path / "home"), str(tmp_path / "nowhere"), ("c",), NeverCancelled())
    assert seen.sizes == {}
    assert not seen.is_right("c", size_bytes=0, sha256="")
