"""A build is copied to another machine whole, checked, resumed, or not at all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import Cancelled, MachineUnreachable, ProbeFailed, RemoteFileProblem, RuntimeUnavailable
from engine.runtimes.manifest import COPIED_MARKER, find_damage, read_manifest
from engine.runtimes.remote.copying.copy_runtime import copy_runtime
from engine.runtimes.remote.find_remote_runtimes import find_remote_runtimes
from tests.engine.runtimes.remote.builds_here import a_build
from tests.engine.runtimes.remote.real_login import logged_in
from tests.engine.runtimes.remote.shell_here import ShellHere
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled
from tests.fakes.ssh.private_sshd import private_sshd

NAME = "llama.cpp-x"


@pytest.fixture
def build(tmp_path):
    return a_build(tmp_path / "local" / NAME)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "home/.local/share/crossply"


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


def _copy(shell, build, data, token=None, said=None):
    said = [] if said is None else said
    return copy_runtime(shell, build, str(data), lambda *what: said.append(what), token or NeverCancelled())


def _names(data):
    return sorted(path.name for path in (data / "runtimes").iterdir())


def _tools(tmp_path, shell, **tools):
    """Programs of that machine that say what the test wants."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name, program in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{program}\n")
        (folder / name).chmod(0o755)
    shell.environment["PATH"] = f"{folder}:/usr/bin:/bin"


def test_it_arrives_whole_and_nothing_else_is_there(shell, build, data):
    result = _copy(shell, build, data)
    top = data / "runtimes" / NAME
    assert result.folder == str(top)
    assert result.proven
    assert _names(data) == [NAME]
    manifest = read_manifest(top)
    assert find_damage(top, manifest, hashes=True) is None
    assert manifest.commit == build.commit
    assert (top / "bin/libggml.so").readlink() == Path("libggml.so.0.25.3")
    assert not (top / "bin/llama-server").exists()
    assert set(json.loads((top / COPIED_MARKER).read_text())) == {"from", "at"}
    assert (top / "bin/ggml-rpc-server").stat().st_mode & 0o777 == 0o700
    assert result.sent_bytes == shell.here.sent_bytes == sum(entry.size_bytes for entry in manifest.files)


def test_the_second_time_nothing_is_sent(shell, build, data):
    _copy(shell, build, data)
    shell.here.sent.clear()
    assert _copy(shell, build, data).sent_bytes == 0
    assert shell.here.sent == []


def test_progress_is_told_in_words(shell, build, data):
    said = []
    _copy(shell, build, data, said=said)
    assert (None, "looking at what is on gpu-node") in said
    assert any(what.endswith(" MB to gpu-node") and 0 < fraction <= 1 for fraction, what in said if fraction)
    assert said[-1] == (1.0, "checking the files on gpu-node")


def test_progress_is_told_at_most_five_times_a_second(shell, build, data, monkeypatch):
    ticks = iter(range(100_000))
    monkeypatch.setattr("engine.runtimes.remote.copying.copy_runtime.time.monotonic", lambda: next(ticks) * 0.05)
    said = []
    _copy(shell, build, data, said=said)
    n_blocks = sum(-(-file.stat().st_size // 32_768) for file in (data / "runtimes" / NAME / "bin").iterdir())
    assert len([what for _, what in said if " MB to " in what]) <= n_blocks / 4 + 1


def test_after_a_cut_it_goes_on_where_it_was(shell, build, data):
    shell.here.cut_after_bytes = 100_000
    with pytest.raises(MachineUnreachable):
        _copy(shell, build, data)
    assert not (data / "runtimes" / NAME).exists()
    there = shell.here.sent_bytes
    shell.here.cut_after_bytes = None
    result = _copy(shell, build, data)
    assert result.proven
    assert there >= 100_000
    assert result.sent_bytes == sum(entry.size_bytes for entry in read_manifest(Path(result.folder)).files) - there


def test_cancelled_leaves_only_what_can_be_resumed(shell, build, data):
    token = CancelledWhen(lambda: shell.here.sent_bytes > 60_000)
    said = []
    with pytest.raises(Cancelled):
        _copy(shell, build, data, token, said)
    assert _names(data) == [f".incoming-{NAME}"]
    assert "kept" in said[-1][1]
    assert _copy(shell, build, data).proven


def test_a_damaged_byte_is_noticed_and_the_file_sent_again(shell, build, data):
    shell.here.damage_next = "libggml-cpu-x64.so"
    result = _copy(shell, build, data)
    assert shell.here.sent.count("libggml-cpu-x64.so") == 2
    assert find_damage(Path(result.folder), read_manifest(Path(result.folder)), hashes=True) is None


def test_a_file_that_is_damaged_again_is_said_and_nothing_is_left(shell, build, data):
    shell.here.damage_next, shell.here.damage_always = "libggml-cpu-x64.so", True
    with pytest.raises(RuntimeUnavailable, match=r"libggml-cpu-x64\.so is not on gpu-node what it is here"):
        _copy(shell, build, data)
    assert _names(data) == []


def test_leftovers_of_another_build_do_no_harm(shell, build, data):
    old = data / "runtimes" / f".incoming-{NAME}/bin"
    old.mkdir(parents=True)
    (old / "ggml-rpc-server").write_bytes(b"x" * 1_000_000)
    (old / "libggml.so.0.25.3").write_bytes(b"y" * 1000)
    result = _copy(shell, build, data)
    assert find_damage(Path(result.folder), read_manifest(Path(result.folder)), hashes=True) is None


def test_a_damaged_copy_of_ours_is_replaced(shell, build, data):
    folder = Path(_copy(shell, build, data).folder)
    (folder / "bin/libggml-cpu-x64.so").write_bytes(b"damaged")
    assert _copy(shell, build, data).sent_bytes > 0
    assert find_damage(folder, read_manifest(folder), hashes=True) is None
    assert _names(data) == [NAME]


def test_what_another_crossply_built_there_is_not_touched(shell, build, data):
    theirs = data / "runtimes" / NAME
    theirs.mkdir(parents=True)
    (theirs / "manifest.json").write_text("theirs")
    result = _copy(shell, build, data)
    assert result.folder == f"{theirs}-copied"
    assert (theirs / "manifest.json").read_text() == "theirs"
    assert _copy(shell, build, data).sent_bytes == 0


def test_the_same_build_of_another_crossply_is_used(shell, build, data):
    shutil.copytree(Path(build.folder).parent, data / "runtimes" / NAME, symlinks=True)
    assert _copy(shell, build, data).sent_bytes == 0


def test_two_foreign_folders_are_too_many(shell, build, data):
    for name in (NAME, f"{NAME}-copied"):
        (data / "runtimes" / name).mkdir(parents=True)
    with pytest.raises(RuntimeUnavailable, match="already another build"):
        _copy(shell, build, data)


def test_too_little_space_is_said_before_anything_is_sent(tmp_path, shell, build, data):
    _tools(tmp_path, shell, df="echo 'Filesystem 1024-blocks Used Available Capacity Mounted'; echo '/dev/x 9 9 9000 99% /'")
    with pytest.raises(RuntimeUnavailable, match=r"gpu-node has 9 MB free in \S+runtimes, the build needs 17 MB"):
        _copy(shell, build, data)
    assert shell.here.sent == []


def test_a_disk_that_fills_up_meanwhile_is_said(tmp_path, shell, build, data):
    full = tmp_path / "full"
    _tools(tmp_path, shell, df=f"[ -e {full} ] && echo '/dev/x 9 9 1 99% /' || echo '/dev/x 9 9 90000000 9% /'")
    shell.here.full_after_bytes = 50_000
    token = NeverCancelled()
    token.check = lambda: full.touch() if shell.here.sent_bytes else None
    with pytest.raises(RuntimeUnavailable, match="gpu-node has 0 MB free"):
        _copy(shell, build, data, token)


def test_a_refused_file_is_not_called_a_full_disk(shell, build, data):
    shell.here.full_after_bytes = 50_000
    with pytest.raises(RemoteFileProblem):
        _copy(shell, build, data)


@pytest.mark.parametrize(
    ("tools", "word"),
    [
        ({"uname": '[ "$1" = -m ] && echo riscv64 || echo Linux'}, "riscv64"),
        ({"uname": "echo Darwin"}, "Darwin"),
    ],
)
def test_another_system_is_refused(tmp_path, shell, build, data, tools, word):
    _tools(tmp_path, shell, **tools)
    with pytest.raises(RuntimeUnavailable, match=word):
        _copy(shell, build, data)
    assert not data.exists()


@pytest.mark.real
def test_too_old_a_glibc_is_refused(tmp_path, shell, runtime, data):
    _tools(tmp_path, shell, getconf="echo glibc 2.17")
    with pytest.raises(RuntimeUnavailable, match=r"gpu-node has glibc 2\.17"):
        _copy(shell, runtime, data)


def test_without_hashes_it_says_that_it_is_not_proven(tmp_path, shell, build, data):
    folder = tmp_path / "few"
    folder.mkdir()
    needed = "sh wc cat uname df find touch mkdir rmdir rm mv ln head sleep dirname kill getconf ldd"
    for name in needed.split():
        found = shutil.which(name, path="/usr/bin:/bin")
        if found:
            (folder / name).symlink_to(found)
    shell.environment["PATH"] = str(folder)
    said = []
    result = _copy(shell, build, data, said=said)
    assert not result.proven
    assert any("no program to compare hashes" in what for _, what in said)


def test_what_does_not_start_there_is_not_put_there(tmp_path, shell, data):
    build = a_build(tmp_path / "local" / NAME, says="echo 'Illegal instruction'; exit 132")
    with pytest.raises(RuntimeUnavailable, match="does not start on gpu-node: Illegal instruction"):
        _copy(shell, build, data)
    assert _names(data) == []


def test_a_library_of_the_compiler_that_is_missing_there_is_lent(tmp_path, shell, data, monkeypatch):
    needs = '[ -f "${0%/*}/libgomp.so.1" ] || { echo "libgomp.so.1: cannot open shared object file" >&2; exit 127; }'
    build = a_build(tmp_path / "local" / NAME, says=needs)
    library = tmp_path / "libgomp.so.1.0.0"
    library.write_bytes(b"gomp")
    monkeypatch.setattr("engine.runtimes.remote.copying.copy_runtime.library_here", lambda name, program: library)
    result = _copy(shell, build, data)
    assert (Path(result.folder) / "bin/libgomp.so.1").read_bytes() == b"gomp"
    assert find_damage(Path(result.folder), read_manifest(Path(result.folder)), hashes=True) is None
    assert _copy(shell, build, data).sent_bytes == 0


def test_a_lent_library_that_does_not_help_is_not_lent_for_ever(tmp_path, shell, data, monkeypatch):
    build = a_build(tmp_path / "local" / NAME, says='echo "libgomp.so.1: cannot open shared object file"; exit 127')
    library = tmp_path / "libgomp.so.1.0.0"
    library.write_bytes(b"gomp")
    monkeypatch.setattr("engine.runtimes.remote.copying.copy_runtime.library_here", lambda name, program: library)
    with pytest.raises(RuntimeUnavailable, match="does not start"):
        _copy(shell, build, data)
    assert shell.here.sent.count("libgomp.so.1") == 1


@pytest.mark.parametrize("folder", ["/", "relative", "/home/../../etc", "/a\nb"])
def test_a_folder_that_cannot_be_ours_is_refused(shell, build, folder):
    with pytest.raises(ProbeFailed):
        _copy(shell, build, folder)


def test_a_copy_that_lost_its_lock_does_not_publish(shell, build, data):
    def steal():
        lock = data / "runtimes" / f".incoming-{NAME}.lock"
        if shell.here.sent_bytes and lock.exists():
            shutil.rmtree(lock)
            (lock / "other").mkdir(parents=True)

    token = NeverCancelled()
    token.check = steal
    with pytest.raises(RuntimeUnavailable, match="could not be given its name"):
        _copy(shell, build, data, token)
    assert not (data / "runtimes" / NAME).exists()


@pytest.mark.real
def test_the_real_build_through_a_real_ssh_server(tmp_path, runtime):
    data = tmp_path / "home/.local/share/crossply"
    with private_sshd(tmp_path / "sshd") as sshd, logged_in(sshd, tmp_path) as shell:
        result = _copy(shell, runtime, data)
        assert result.proven
        assert result.sent_bytes > 1_000_000
        assert _copy(shell, runtime, data).sent_bytes == 0
        found = find_remote_runtimes(shell, str(data), replace(runtime, build_number=None), NeverCancelled())
        assert found[0].runtime.rpc_server.startswith(result.folder)
        assert found[0].why_not_with_coordinator is None
        assert [device.runtime_name for device in found[0].devices]
        listed = shell.run(f"{found[0].runtime.rpc_server} -d list", timeout_seconds=30.0)
        assert b"available devices" in listed.stdout + listed.stderr
