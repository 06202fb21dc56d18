"""Which compilers a machine has, from a real answer of this one and from made-up ones of machines with cards."""

import pytest

from engine.errors import ProbeFailed, RuntimeUnavailable
from engine.runtimes.remote.building.build_tools_there import check_compiler_there, look_for_build_tools
from tests.engine.runtimes.remote.shell_here import ShellHere
from tests.fakes.cancel_tokens import NeverCancelled

PLACE = "/home/ada/.local/share/crossply/runtimes/.incoming-built-there/tools"


def _look(shell, place=PLACE):
    return look_for_build_tools(shell, str(place), NeverCancelled())


def _with_programs(shell, folder, **programs):
    folder.mkdir(exist_ok=True)
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    shell.environment["PATH"] = f"{folder}:/usr/bin:/bin"


@pytest.fixture
def shell(tmp_path):
    return ShellHere(tmp_path / "home")


def test_this_machine(shell):
    tools = _look(shell)
    assert (tools.cmake, tools.ninja, tools.make) == ("/usr/bin/cmake", "/usr/bin/ninja", "/usr/bin/make")
    assert tools.cmake_version >= (3, 14)
    assert (tools.has_c, tools.has_cxx, tools.lacks_programs) == (True, True, False)
    assert 1 <= tools.jobs <= tools.cores
    assert (tools.cuda, tools.rocm) == (None, None), "a compiler without a card is none"
    check_compiler_there(tools, "gpu-node")


def test_nvcc_counts_with_a_card(shell, tmp_path):
    _with_programs(shell, tmp_path / "bin", nvcc=":", **{"nvidia-smi": 'echo "GPU 0: NVIDIA L4 (UUID: GPU-1)"'})
    tools = _look(shell)
    assert tools.cuda.nvcc == str(tmp_path / "bin/nvcc")
    assert tools.cuda.root == str(tmp_path)


def test_rocm_tells_its_clang_and_its_cards(shell, tmp_path):
    _with_programs(
        shell,
        tmp_path / "bin",
        hipcc=":",
        hipconfig="case $1 in -l) echo /opt/rocm/llvm/bin;; -R) echo /opt/rocm;; esac",
        rocminfo='echo "  Name:   gfx1100"; echo "  Name:  AMD Ryzen"; echo "  Name: gfx90a"; echo "Name: gfx1100"',
    )
    rocm = _look(shell).rocm
    assert (rocm.clang, rocm.root, rocm.targets) == ("/opt/rocm/llvm/bin/clang", "/opt/rocm", ("gfx1100", "gfx90a"))


def test_an_old_cmake_is_not_enough_for_a_card(shell, tmp_path):
    programs = {"cmake": "echo cmake version 3.22.1", "nvcc": ":"}
    _with_programs(shell, tmp_path / "bin", **programs)
    assert not _look(shell).lacks_programs
    _with_programs(shell, tmp_path / "bin", **programs, **{"nvidia-smi": 'echo "GPU 0: NVIDIA L4"'})
    assert _look(shell).lacks_programs


def test_programs_that_we_sent_are_found(shell, tmp_path):
    _with_programs(shell, tmp_path / "bin", cmake="echo cmake version 3.5.1")
    _with_programs(shell, tmp_path / "bin")
    sent = tmp_path / "tools/cmake/bin"
    sent.mkdir(parents=True)
    (sent / "cmake").write_text("#!/bin/sh\necho cmake version 3.31.2\n")
    (sent / "cmake").chmod(0o755)
    tools = _look(shell, tmp_path / "tools")
    assert (tools.cmake, tools.cmake_version) == (str(sent / "cmake"), (3, 31))


def test_no_compiler(shell, tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("sh", "uname", "head", "awk", "sleep"):
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
    shell.environment["PATH"] = str(tmp_path / "bin")
    tools = _look(shell)
    assert (tools.cores, tools.lacks_programs) == (1, True)
    with pytest.raises(RuntimeUnavailable, match=r"no C and no C\+\+ compiler on gpu-node"):
        check_compiler_there(tools, "gpu-node")


@pytest.mark.parametrize("change", [(b" looked", b" look"), (b"/usr/bin/ninja", b"/long" * 300)])
def test_an_answer_that_makes_no_sense(shell, change):
    shell.answers = lambda said: said.replace(*change)
    with pytest.raises(ProbeFailed, match="gpu-node told nothing sensible"):
        _look(shell)
