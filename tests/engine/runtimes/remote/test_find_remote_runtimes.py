"""What another machine tells about its programs, believed as far as it makes sense."""

import json
import shutil
from pathlib import Path

import pytest

from engine.errors import ProbeFailed
from engine.runtimes.manifest import COPIED_MARKER
from engine.runtimes.remote import find_remote_runtimes as finding
from engine.runtimes.remote.find_remote_runtimes import find_remote_runtimes
from engine.runtimes.remote.find_script import find_script
from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.remote import RemoteRuntime
from engine.vocabulary.runtime import RpcProtocolVersion, RuntimeSource
from tests.engine.runtimes.remote.builds_here import a_build, a_runtime
from tests.engine.runtimes.remote.shell_here import ShellHere, fake_programs
from tests.fakes.cancel_tokens import NeverCancelled

OURS = a_runtime(Path("/nowhere"))


@pytest.fixture
def data(tmp_path):
    return tmp_path / "home/data"


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


def _find(shell, data, coordinator=OURS):
    return find_remote_runtimes(shell, str(data), coordinator, NeverCancelled())


def _on_path(shell, *folders):
    shell.environment["PATH"] = ":".join(("/usr/bin", "/bin", *map(str, folders)))


def test_a_build_of_ours_is_known_by_its_manifest(shell, data):
    a_build(data / "runtimes/llama.cpp-x")
    (found,) = _find(shell, data)
    assert found.why_not_with_coordinator is None
    assert found.runtime.source is RuntimeSource.BUILT
    assert found.runtime.id == "llama.cpp-x"
    assert found.runtime.protocol == RpcProtocolVersion(major=7, minor=0, patch=0)
    assert found.runtime.backends == ("CPU", "RPC")
    assert found.runtime.llama_server == f"{found.runtime.folder}/llama-server"
    assert found.runtime.llama_bench is None
    assert [device.runtime_name for device in found.devices] == ["CPU"]
    assert "--device" in found.help_text


def test_a_copy_is_called_one(shell, data):
    a_build(data / "runtimes/llama.cpp-x")
    (data / "runtimes/llama.cpp-x" / COPIED_MARKER).write_text("{}")
    assert _find(shell, data)[0].runtime.source is RuntimeSource.COPIED


def test_one_that_a_package_installed_is_called_one(tmp_path, shell, data, monkeypatch):
    installed = tmp_path / "installed"
    a_build(installed / "llama.cpp-x")
    monkeypatch.setattr(finding, "find_script", lambda: find_script(str(installed)))
    (found,) = _find(shell, data)
    assert (found.runtime.source, found.runtime.id) == (RuntimeSource.PACKAGED, "llama.cpp-x")
    assert found.why_not_with_coordinator is None


def test_one_on_the_path_is_known_by_its_llama_server(tmp_path, shell, data):
    _on_path(shell, fake_programs(tmp_path / "p", commit="abc1234", number=9821))
    (found,) = _find(shell, data)
    assert found.runtime.label == "b9821 (abc1234)"
    assert found.runtime.source is RuntimeSource.ON_PATH
    assert found.runtime.protocol is None
    assert "RPC" in found.runtime.backends
    assert found.why_not_with_coordinator == (
        "gpu-node has b9821 (abc1234), this machine has unnumbered build (0c1e570): copy this machine's build there."
    )
    assert found.runtime.why_unusable is None


def test_what_may_work_comes_first(tmp_path, shell, data):
    build = data / "runtimes/a"
    a_build(build)
    manifest = json.loads((build / "manifest.json").read_text())
    (build / "manifest.json").write_text(json.dumps({**manifest, "commit": "fffffff"}))
    _on_path(shell, fake_programs(tmp_path / "p", commit="0c1e5701234"))
    found = _find(shell, data)
    assert [one.runtime.commit for one in found] == ["0c1e5701234", "fffffff"]
    assert [one.why_not_with_coordinator is None for one in found] == [True, False]


def test_without_a_coordinator_nothing_speaks_against_it(tmp_path, shell, data):
    _on_path(shell, fake_programs(tmp_path / "p"))
    assert _find(shell, data, None)[0].why_not_with_coordinator is None


def test_an_rpc_server_alone_cannot_be_told(tmp_path, shell, data):
    _on_path(shell, fake_programs(tmp_path / "p", commit=None))
    (found,) = _find(shell, data)
    assert "cannot be told" in found.why_not_with_coordinator


@pytest.mark.parametrize("spoil", ["libggml.so.0.25.3", "libggml-cpu-x64.so"])
def test_a_damaged_build_of_ours_is_called_so(shell, data, spoil):
    a_build(data / "runtimes/llama.cpp-x")
    (data / "runtimes/llama.cpp-x/bin" / spoil).write_bytes(b"")
    (found,) = _find(shell, data)
    assert spoil in found.runtime.why_unusable
    assert found.why_not_with_coordinator == found.runtime.why_unusable


def test_a_missing_file_of_ours_is_called_so(shell, data):
    a_build(data / "runtimes/llama.cpp-x")
    (data / "runtimes/llama.cpp-x/bin/libggml-cpu-x64.so").unlink()
    assert "missing or damaged" in _find(shell, data)[0].runtime.why_unusable


def test_a_program_that_does_not_run_says_why(tmp_path, shell, data):
    says = "echo 'libcudart.so.12: cannot open shared object file' >&2; exit 127"
    _on_path(shell, fake_programs(tmp_path / "p", says=says))
    (found,) = _find(shell, data)
    assert "does not run on gpu-node: libcudart.so.12: cannot open shared object file." in found.runtime.why_unusable


@pytest.mark.parametrize(
    "manifest", ["", "{}", "[" * 100_000, "null", '{"format": 1}', "\x00\xff", json.dumps({"format": 99, "programs": "bin"})]
)
def test_a_manifest_that_makes_no_sense_is_no_crash(shell, data, manifest):
    a_build(data / "runtimes/llama.cpp-x")
    (data / "runtimes/llama.cpp-x/manifest.json").write_text(manifest, encoding="latin-1")
    (found,) = _find(shell, data)
    if manifest:
        assert found.runtime.why_unusable
        assert len(found.runtime.why_unusable) <= 500
    assert found.runtime.commit in (None, "0c1e570")


def test_odd_words_in_a_manifest_are_not_shown(shell, data):
    top = data / "runtimes/llama.cpp-x"
    a_build(top)
    manifest = json.loads((top / "manifest.json").read_text())
    odd = {"commit": "\x1b[31mred", "backends": ["CPU", "a b", "x" * 500, *["B"] * 1000], "build_number": 10**15}
    (top / "manifest.json").write_text(json.dumps({**manifest, **odd, "protocol": "7.x"}))
    (found,) = _find(shell, data)
    assert found.runtime.commit is None
    assert found.runtime.build_number is None
    assert found.runtime.protocol is None
    assert set(found.runtime.backends) <= {"CPU", "B"}
    assert len(found.runtime.backends) <= 32


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b" folder\n/", b" folder\nrelative/"),
        (b" folder\n/", b" folder\n/../.."),
        (b" kind\npath", b" kind\nother"),
        (b" program\nggml-rpc-server", b" program\n../../bin/sh"),
        (b" program\nggml-rpc-server", b" program\n-rf"),
        (b" told\n", b" untold\n"),
        (b" looked\n", b" overlooked\n"),
        (b" beside\n", b" aside\n"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(tmp_path, shell, data, before, after):
    _on_path(shell, fake_programs(tmp_path / "p"))
    seen = []

    def spoil(said):
        seen.append(before in said)
        return said.replace(before, after)

    shell.answers = spoil
    with pytest.raises(ProbeFailed, match="gpu-node"):
        _find(shell, data)
    assert seen == [True]


def test_more_builds_than_there_can_be_are_refused(tmp_path, shell, data):
    _on_path(shell, fake_programs(tmp_path / "p"))

    def many(said):
        start = said.index(b"\ncrossply-")
        end = said.rindex(b"\ncrossply-", 0, said.rindex(b"\ncrossply-"))
        return said[start:end] * 20 + said[end:]

    shell.answers = many
    with pytest.raises(ProbeFailed):
        _find(shell, data)


def test_a_huge_answer_is_refused(tmp_path, shell, data):
    _on_path(shell, fake_programs(tmp_path / "p"))
    shell.answers = lambda said: said[:100] + b"x" * 10_000_000 + said[100:]
    with pytest.raises(ProbeFailed):
        _find(shell, data)


def test_a_data_folder_that_cannot_be_ours_is_refused(shell):
    with pytest.raises(ProbeFailed):
        _find(shell, "/home/ada/../../etc")


def test_where_there_is_nothing_nothing_is_found(shell, data):
    assert _find(shell, data) == ()


@pytest.mark.real
def test_the_real_programs(tmp_path, shell, data, runtime):
    shutil.copytree(Path(runtime.folder), tmp_path / "p", symlinks=True)
    _on_path(shell, tmp_path / "p")
    (found,) = _find(shell, data, runtime)
    assert found.runtime.commit == runtime.commit
    assert set(found.runtime.backends) == set(runtime.backends)
    assert found.why_not_with_coordinator is None
    assert found.runtime.llama_bench


def test_a_build_that_reaches_the_card_comes_before_a_copy_that_does_not(tmp_path, monkeypatch):
    def build(number, device, why_not=None):
        name = f"build-{number}"
        seen = RuntimeDevice(runtime_name=device, description="c", memory_total_bytes=1, memory_free_bytes=1)
        return RemoteRuntime(
            runtime=a_runtime(tmp_path / name, id=name), devices=(seen,), help_text="", why_not_with_coordinator=why_not
        )

    builds = [build(1, "CUDA0", "another commit"), build(2, "CPU"), build(3, "Vulkan0"), build(4, "CUDA0")]
    monkeypatch.setattr(finding, "run_script", lambda *_arguments, **_more: ())
    monkeypatch.setattr(finding, "_told", lambda _sections, _where: builds)
    monkeypatch.setattr(finding, "_remote_runtime", lambda told, _coordinator, _where: told)
    found = find_remote_runtimes(ShellHere(tmp_path / "home"), "/data", None, NeverCancelled())
    assert [runtime.runtime.id for runtime in found] == ["build-4", "build-2", "build-3", "build-1"]
