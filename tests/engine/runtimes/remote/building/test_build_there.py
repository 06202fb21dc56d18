"""llama.cpp is built on another machine whole or not at all, and nothing goes on there when it is stopped."""

import json
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import Cancelled, MachineUnreachable, RemoteFileProblem, RuntimeUnavailable
from engine.runtimes.building.build_from_source import COMMIT
from engine.runtimes.manifest import COPIED_MARKER, find_damage, read_manifest, sha256_of
from engine.runtimes.remote.building.build_there import build_there
from engine.runtimes.remote.building.send_archive import Archive
from engine.runtimes.remote.find_remote_runtimes import find_remote_runtimes
from engine.runtimes.remote.remove_ours import remove_ours
from engine.ssh.leashed.remote_starter import RemoteProcessStarter
from tests.engine.runtimes.remote.building.standin_project import (
    CMAKE,
    SLOW,
    inputs_with,
    packed,
    programs_only,
    running_in,
)
from tests.engine.runtimes.remote.builds_here import a_runtime
from tests.engine.runtimes.remote.real_login import logged_in
from tests.engine.runtimes.remote.shell_here import ShellHere
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled
from tests.fakes.ssh.private_sshd import private_sshd

ID = f"llama.cpp-{COMMIT}-cpu-built-there"


@pytest.fixture
def data(tmp_path):
    return tmp_path / "home/.local/share/crossply"


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


@pytest.fixture
def ours(tmp_path):
    return a_runtime(tmp_path / "llama.cpp-ours/bin")


def _build(shell, data, archive, ours, *, token=None, said=None, has_python=True, programs="there are none."):
    said = [] if said is None else said
    starter = RemoteProcessStarter(shell, has_python=has_python)
    inputs = inputs_with(archive, programs)
    return build_there(shell, starter, ours, str(data), inputs, lambda *what: said.append(what), token or NeverCancelled())


def _names(data):
    return sorted(path.name for path in (data / "runtimes").iterdir())


@pytest.mark.parametrize("has_python", [True, False], ids=["python", "sh"])
def test_it_is_there_whole_and_nothing_else_is(shell, data, ours, tmp_path, has_python):
    said = []
    built = _build(shell, data, packed(tmp_path / "here"), ours, said=said, has_python=has_python)
    top = data / "runtimes" / ID
    assert (built.folder, built.backends) == (str(top), ("CPU", "RPC"))
    assert _names(data) == [ID]
    manifest = read_manifest(top)
    assert find_damage(top, manifest, hashes=True) is None
    assert (manifest.commit, str(manifest.protocol)) == (COMMIT, "7.0.0")
    assert "-DGGML_CPU_ALL_VARIANTS=ON" in manifest.options
    assert sorted(path.name for path in (top / "bin").iterdir()) == [
        "ggml-rpc-server",
        "libggml-base.so",
        "libggml-cpu-x64.so",
    ]
    assert set(json.loads((top / COPIED_MARKER).read_text())) == {"from", "at"}
    fractions = [fraction for fraction, _ in said if fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert any(" of 6: " in what for _, what in said)


def test_the_coordinator_takes_it_and_removing_the_machine_removes_it(shell, data, ours, tmp_path):
    built = _build(shell, data, packed(tmp_path / "here"), ours)
    (found,) = find_remote_runtimes(shell, str(data), ours, NeverCancelled())
    assert found.why_not_with_coordinator is None
    assert found.runtime.rpc_server == f"{built.folder}/bin/ggml-rpc-server"
    remove_ours(shell, str(data), str(tmp_path / "home/.cache/crossply/remote-workers"))
    assert not data.exists()


def test_cancelled_while_it_compiles_nothing_runs_and_the_next_try_goes_on(data, ours, tmp_path):
    said = []
    with private_sshd(tmp_path / "sshd") as sshd, logged_in(sshd, tmp_path) as shell:
        slow = packed(tmp_path / "here", cmake=CMAKE + SLOW)

        def compiling():
            return any("sleep 3601" in line for line in running_in(data))

        with pytest.raises(Cancelled):
            _build(shell, data, slow, ours, token=CancelledWhen(compiling), said=said)
        assert running_in(data) == []
        assert _names(data) == [".incoming-built-there"]
        assert "kept" in said[-1][1]
        (data / "runtimes/.incoming-built-there/source/CMakeLists.txt").write_text(CMAKE)
        assert _build(shell, data, slow, ours).folder.endswith(ID)
        assert _names(data) == [ID]


def test_a_lost_connection_ends_the_compiler(data, ours, tmp_path):
    with private_sshd(tmp_path / "sshd") as sshd, logged_in(sshd, tmp_path) as shell:

        def compiling():
            if any("sleep 3601" in line for line in running_in(data)):
                shell.close()
            return False

        with pytest.raises(MachineUnreachable):
            _build(shell, data, packed(tmp_path / "here", cmake=CMAKE + SLOW), ours, token=CancelledWhen(compiling))
        ends_at = time.monotonic() + 10
        while running_in(data) and time.monotonic() < ends_at:
            time.sleep(0.05)
        assert running_in(data) == []


def test_a_compiler_error_is_one_sentence_with_a_log(shell, data, ours, tmp_path):
    with pytest.raises(RuntimeUnavailable, match=r"on gpu-node: the compiler ended with status 1\. .*error: ") as caught:
        _build(shell, data, packed(tmp_path / "here", server="int main(void) { return nothing; }\n"), ours)
    log = data / "runtimes/.incoming-built-there/build.log"
    assert str(log) in caught.value.advice
    assert "server.c" in log.read_text()
    assert log.read_text() == caught.value.details
    assert not (data / "runtimes" / ID).exists()


def test_a_program_that_does_not_start_is_not_taken(shell, data, ours, tmp_path):
    server = 'int base(void);\n#include <stdio.h>\nint main(void) { puts("no driver"); return base() + 1; }\n'
    with pytest.raises(RuntimeUnavailable, match="the rpc-server does not start: no driver"):
        _build(shell, data, packed(tmp_path / "here", server=server), ours)
    assert _names(data) == [".incoming-built-there"]


def test_a_disk_that_is_full(shell, data, ours, tmp_path):
    path = programs_only(tmp_path / "bin", "df")
    (tmp_path / "bin/df").write_text(
        "#!/bin/sh\necho 'Filesystem 1024-blocks Used Available Capacity Mounted on'\necho '/dev/x 1000 900 100 90% /'\n"
    )
    (tmp_path / "bin/df").chmod(0o755)
    shell.environment["PATH"] = path
    with pytest.raises(RuntimeUnavailable, match=r"on gpu-node takes 0\.7 GB for a while; there are 0\.00 GB free"):
        _build(shell, data, packed(tmp_path / "here"), ours)


def test_a_missing_compiler(shell, data, ours, tmp_path):
    cxx = [name.name for place in ("/usr/bin", "/bin") for name in Path(place).glob("*++*")]
    shell.environment["PATH"] = programs_only(tmp_path / "bin", *cxx)
    with pytest.raises(RuntimeUnavailable, match=r"There is no C\+\+ compiler on gpu-node") as caught:
        _build(shell, data, packed(tmp_path / "here"), ours)
    assert "apt-get install gcc g++" in caught.value.advice
    assert not data.exists()


def test_without_cmake_it_says_what_to_install(shell, data, ours, tmp_path):
    shell.environment["PATH"] = programs_only(tmp_path / "bin", "cmake")
    with pytest.raises(RuntimeUnavailable, match=r"no cmake .* ours cannot be used there: there are none") as caught:
        _build(shell, data, packed(tmp_path / "here"), ours)
    assert "cmake ninja-build" in caught.value.advice


def test_make_does_where_there_is_no_ninja(shell, data, ours, tmp_path):
    shell.environment["PATH"] = programs_only(tmp_path / "bin", "ninja", "ninja-build")
    said = []
    _build(shell, data, packed(tmp_path / "here"), ours, said=said)
    assert any(" %: " in what for _, what in said)


def test_another_commit_is_not_built_for(shell, data, ours, tmp_path):
    with pytest.raises(RuntimeUnavailable, match="could not work with it"):
        _build(shell, data, packed(tmp_path / "here"), replace(ours, commit="77dee9d"))
    assert not data.exists()


def test_a_folder_that_is_not_ours_is_left_alone(shell, data, ours, tmp_path):
    (data / "runtimes" / ID).mkdir(parents=True)
    with pytest.raises(RuntimeUnavailable, match="did not put there"):
        _build(shell, data, packed(tmp_path / "here"), ours)
    assert _names(data) == [ID]


def test_our_cmake_and_ninja_are_sent_where_there_are_none(shell, data, ours, tmp_path):
    shell.environment["PATH"] = programs_only(tmp_path / "bin", "cmake", "ninja", "ninja-build", "make", "gmake")
    programs = tmp_path / "programs"
    for path, real in (("cmake/bin/cmake", "/usr/bin/cmake"), ("bin/ninja", "/usr/bin/ninja")):
        (programs / path).parent.mkdir(parents=True)
        (programs / path).write_text(f'#!/bin/sh\nexec {real} "$@"\n')
        (programs / path).chmod(0o755)
    sent = tmp_path / "programs.tar.gz"
    with tarfile.open(sent, "w:gz") as tar:
        tar.add(programs, ".")
    archive = Archive(path=sent, sha256=sha256_of(sent))
    said = []
    _build(shell, data, packed(tmp_path / "here"), ours, programs=archive, said=said)
    assert any(what.startswith("cmake and ninja: ") for _, what in said)
    assert _names(data) == [ID], "they are gone with the rest"


def test_a_disk_that_fills_up_is_said_although_the_log_cannot_be_kept(shell, data, ours, tmp_path, monkeypatch):
    def fails(_path, _data, *, mode=0o600):
        raise RemoteFileProblem("No space left on device.")

    monkeypatch.setattr(shell.here, "write_bytes", fails)
    full = 'message("ld: final link failed: No space left on device")\nmessage(FATAL_ERROR "no")\n'
    with pytest.raises(RuntimeUnavailable, match="could not be built on gpu-node: the disk is full"):
        _build(shell, data, packed(tmp_path / "here", cmake=CMAKE + full), ours)


def test_a_disk_that_fills_up_while_the_source_is_sent(shell, data, ours, tmp_path):
    shell.here.full_after_bytes = 0
    with pytest.raises(RemoteFileProblem, match="could not be written"):
        _build(shell, data, packed(tmp_path / "here"), ours)
