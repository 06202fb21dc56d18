"""Building: with a stand-in for cmake that behaves as the real one does, so that every way to fail can be had in a second.

That the real source builds with the real compiler is what ``make test`` itself has done before the first test runs; the result
is examined in ``test_the_real_build``.
"""

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from engine.errors import Cancelled, RuntimeUnavailable
from engine.runtimes.building import build_from_source as building
from engine.runtimes.building.build_from_source import BuildOptions, Wanted, build_runtime, explain_failure, is_finished
from engine.runtimes.manifest import read_manifest, sha256_of
from engine.settings.folders import find_folders
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled
from tests.fakes.llama_cpp.fake_llama_cpp import write_program

CPU_ONLY = BuildOptions(cuda=Wanted.NO, vulkan=Wanted.NO)
CMAKE = """#!{python}
import os, pathlib, sys, time
sys.path.insert(0, {root!r})
from tests.fakes.llama_cpp.fake_llama_cpp import write_fake_build
if "--build" not in sys.argv:
    assert pathlib.Path("source/CMakeLists.txt").is_file()
    pathlib.Path("build").mkdir()
    print("-- Configuring done")
    sys.exit({configure_status})
targets = sys.argv[sys.argv.index("--target") + 1:]
print("[1/6] Building CXX object a/b.dir/first.cpp.o", flush=True)
print("[2/2] the small build of the shader generator", flush=True)
if {sleeps}:
    pathlib.Path({marker!r}).write_text(str(os.getpid()))
    time.sleep(60)
print("[2/6] Building CXX object a/b.dir/second.cpp.o", flush=True)
if {build_status}:
    print("second.cpp:1:1: error: expected unqualified-id")
    sys.exit({build_status})
folder = pathlib.Path("build/bin")
if "llama-server" in targets:
    write_fake_build(folder, version_line="version: 0.5.0-dev (build 0, commit 0c1e570)", backends={backends!r})
else:
    folder.mkdir(parents=True)
    (folder / "libggml-vulkan.so").write_text("library")
print("[6/6] Linking CXX executable bin/llama-server", flush=True)
"""


class Workshop:
    """A data folder, a source archive and a cmake of our own."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folders = find_folders({"CROSSPLY_DATA": str(top / "data")})
        self.marker = top / "compiling"
        self.progress: list[tuple[float, str]] = []
        self.cmake()
        write_program(top / "bin/ninja", "#!/bin/sh\n")

    def cmake(self, *, sleeps=False, configure_status=0, build_status=0, backends=("RPC", "CPU")) -> None:
        text = CMAKE.format(
            python=sys.executable,
            root=str(Path(__file__).parents[4]),
            sleeps=sleeps,
            marker=str(self.marker),
            configure_status=configure_status,
            build_status=build_status,
            backends=backends,
        )
        write_program(self.top / "bin/cmake", text)

    def build(self, options=CPU_ONLY, token=None) -> Path:
        note = lambda fraction, detail: self.progress.append((fraction, detail))  # noqa: E731
        return build_runtime(self.folders, options, note, token or NeverCancelled())

    def left_overs(self) -> list[str]:
        return sorted(path.name for path in self.folders.runtimes.iterdir() if path.name != ".lock")


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    made = Workshop(tmp_path)
    sources = made.folders.cache / "sources"
    sources.mkdir(parents=True)
    archive = sources / f"llama_cpp_python-{building.SOURCE.version}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("x-1/vendor/llama.cpp/CMakeLists.txt", "x-1/vendor/llama.cpp/.git/HEAD", "x-1/setup.py"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    import dataclasses

    monkeypatch.setattr(building, "SOURCE", dataclasses.replace(building.SOURCE, sha256=sha256_of(archive)))
    return made


def vulkan_headers(top):
    for name in ("include/vulkan/vulkan.hpp", "share/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake"):
        (top / "usr" / name).parent.mkdir(parents=True, exist_ok=True)
        (top / "usr" / name).write_text("")
    (top / "usr/include/vulkan/vulkan_core.h").write_text("#define VK_EXT_layer_settings 1")
    return top / "usr"


def test_a_build_gets_a_manifest_a_name_and_leaves_nothing_else(workshop):
    folder = workshop.build()
    assert folder == workshop.folders.runtimes / "llama.cpp-0c1e570-cpu"
    assert workshop.left_overs() == [folder.name]
    manifest = read_manifest(folder)
    assert (manifest.build_number, manifest.commit, manifest.protocol) == (None, "0c1e570", "7.0.0")
    assert manifest.backends == ("CPU", "RPC")
    assert "-DGGML_RPC=ON" in manifest.options
    assert "bin/ggml-rpc-server" in [entry.path for entry in manifest.files]


def test_it_is_not_built_twice(workshop):
    folder = workshop.build()
    workshop.cmake(configure_status=1)
    assert workshop.build() == folder


def test_a_damaged_build_is_built_again(workshop):
    folder = workshop.build()
    (folder / "bin/llama-server").write_text("")
    assert not is_finished(folder)
    assert is_finished(workshop.build())


def test_the_progress_never_goes_back_and_ends_at_one(workshop):
    workshop.build()
    fractions = [fraction for fraction, _ in workshop.progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "2 of 6: second.cpp" in [detail for _, detail in workshop.progress]


def test_a_compiler_error_is_quoted_the_log_is_kept_and_nothing_is_left(workshop):
    workshop.cmake(build_status=1)
    with pytest.raises(RuntimeUnavailable, match="expected unqualified-id") as failure:
        workshop.build()
    assert workshop.left_overs() == []
    log = workshop.folders.logs / "build llama.cpp-0c1e570-cpu.log"
    assert str(log) in str(failure.value)
    assert "second.cpp:1:1: error" in log.read_text()


def test_a_configuration_that_fails_is_an_error(workshop):
    workshop.cmake(configure_status=1)
    with pytest.raises(RuntimeUnavailable, match="cmake ended with status 1"):
        workshop.build()


def test_cancelling_ends_the_compiler_and_leaves_nothing(workshop):
    workshop.cmake(sleeps=True)
    with pytest.raises(Cancelled):
        workshop.build(token=CancelledWhen(workshop.marker.exists))
    assert workshop.left_overs() == []


def test_kill_9_leaves_nothing_that_looks_finished_and_the_next_build_cleans_up(workshop):
    workshop.cmake(sleeps=True)
    code = (
        "from tests.engine.runtimes.building.test_build_from_source import *\n"
        "import dataclasses\n"
        f"building.SOURCE = dataclasses.replace(building.SOURCE, sha256={building.SOURCE.sha256!r})\n"
        "build_runtime(find_folders(), CPU_ONLY, lambda f, d: None, NeverCancelled())\n"
    )
    environment = {**os.environ, "CROSSPLY_DATA": str(workshop.folders.data), "PYTHONPATH": str(Path(__file__).parents[4])}
    killed = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 30
    while not (workshop.marker.exists() and workshop.marker.read_text()):
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    os.kill(int(workshop.marker.read_text()), signal.SIGKILL)  # ninja would die at its next line; the stand-in sleeps
    (left,) = workshop.left_overs()
    assert left.startswith(".building-")
    assert not is_finished(workshop.folders.runtimes / left)
    workshop.cmake()
    workshop.build()
    assert workshop.left_overs() == ["llama.cpp-0c1e570-cpu"]


def test_vulkan_is_added_to_a_build_without_compiling_the_rest_again(workshop, monkeypatch):
    bare = workshop.build()
    write_program(workshop.top / "bin/glslc", "#!/bin/sh\n")
    (workshop.top / "libvulkan.so.1").write_text("")
    monkeypatch.setattr(building, "find_vulkan", lambda headers: _pieces(workshop, headers))
    monkeypatch.setattr(building, "learn", lambda candidate, _: _facts_with_vulkan(candidate))
    options = BuildOptions(cuda=Wanted.NO, vulkan=Wanted.YES, vulkan_headers=vulkan_headers(workshop.top))
    folder = workshop.build(options)
    assert folder.name == "llama.cpp-0c1e570-cpu-vulkan"
    assert (folder / "bin/libggml-vulkan.so").read_text() == "library"
    assert (folder / "bin/llama-server").read_bytes() == (bare / "bin/llama-server").read_bytes()
    assert "-DGGML_VULKAN=ON" in read_manifest(folder).options
    assert is_finished(bare)


def _pieces(workshop, headers):
    from engine.runtimes.building.build_pieces import find_vulkan

    return find_vulkan(headers, loaders=(str(workshop.top),))


def _facts_with_vulkan(candidate):
    import msgspec

    from engine.runtimes.describe_runtime import learn

    assert (candidate.programs / "libggml-vulkan.so").is_file()
    return msgspec.structs.replace(learn(candidate, ""), backends=("CPU", "RPC", "Vulkan"))


def test_a_vulkan_backend_that_does_not_load_is_an_error(workshop, monkeypatch):
    (workshop.top / "libvulkan.so.1").write_text("")
    write_program(workshop.top / "bin/glslc", "#!/bin/sh\n")
    monkeypatch.setattr(building, "find_vulkan", lambda headers: _pieces(workshop, headers))
    options = BuildOptions(cuda=Wanted.NO, vulkan=Wanted.YES, vulkan_headers=vulkan_headers(workshop.top))
    with pytest.raises(RuntimeUnavailable, match="Vulkan backend does not load"):
        workshop.build(options)


@pytest.mark.parametrize(("backends", "loads"), [(("RPC", "CPU"), False), (("RPC", "CPU", "CUDA"), True)])
def test_cuda_that_was_asked_for_must_load_where_a_card_is(workshop, monkeypatch, backends, loads):
    monkeypatch.setattr(building, "has_cuda", lambda: True)
    workshop.cmake(backends=backends)
    options = BuildOptions(cuda=Wanted.YES, vulkan=Wanted.NO)
    if loads:
        assert workshop.build(options).name.endswith("-cpu-cuda")
    else:
        with pytest.raises(RuntimeUnavailable, match="CUDA backend does not load"):
            workshop.build(options)
    assert is_finished(workshop.build(BuildOptions(cuda=Wanted.IF_POSSIBLE, vulkan=Wanted.NO)))


def test_vulkan_that_must_be_and_cannot_be_says_what_is_missing(workshop, tmp_path):
    options = BuildOptions(cuda=Wanted.NO, vulkan=Wanted.YES, vulkan_headers=tmp_path / "nothing")
    with pytest.raises(RuntimeUnavailable, match="Vulkan backend cannot be built: "):
        workshop.build(options)


def test_a_full_disk_is_said_before_anything_is_fetched(workshop, monkeypatch):
    monkeypatch.setattr(building, "NEEDED_DISK_BYTES", 1 << 62)
    with pytest.raises(RuntimeUnavailable, match="GB free"):
        workshop.build()


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (["write error: No space left on device"], "the disk is full."),
        (["c++: fatal error: Killed signal terminated program cc1plus"], "memory ran out"),
        (
            ["CMake Error at CMakeLists.txt:3 (find_package):", "  could not find X"],
            "cmake ended with status 1. CMake Error at",
        ),
        ([], "cmake ended with status 1."),
    ],
)
def test_failures_are_explained(tail, expected):
    assert expected in explain_failure(tail, "cmake", 1)


@pytest.mark.real
def test_the_real_build(vulkan_runtime):
    """The programs that all real tests run: of the pinned commit, and no build number is made up for them."""
    assert vulkan_runtime.commit == building.COMMIT
    assert vulkan_runtime.build_number is None
    assert {"CPU", "RPC", "Vulkan"} <= set(vulkan_runtime.backends)
