"""What a build finds on a machine, and what it says is missing."""

import sys
from pathlib import Path

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes.building import build_pieces
from engine.runtimes.building.build_pieces import check_compiler, find_tools, find_vulkan, has_cuda
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.llama_cpp.fake_llama_cpp import write_program


def which_of(*names):
    return lambda name: f"/bin/{name}" if name in names else None


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("CC", "CXX", "VULKAN_SDK"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("names", [("cc", "c++"), ("gcc", "g++"), ("clang", "clang++")])
def test_any_usual_compiler_will_do(names):
    check_compiler(which_of(*names))


@pytest.mark.parametrize(
    ("there", "expected"),
    [((), "no C and no C\\+\\+ compiler"), (("gcc",), "no C\\+\\+ compiler"), (("g++",), "no C compiler")],
)
def test_a_missing_compiler_is_named_with_what_installs_it(there, expected):
    with pytest.raises(RuntimeUnavailable, match=f"{expected}.*apt-get install"):
        check_compiler(which_of(*there))


def test_tools_of_the_machine_are_used(tmp_path):
    tools = find_tools(tmp_path, token=NeverCancelled(), which=which_of("cmake", "ninja"))
    assert (tools.cmake, tools.ninja) == ("/bin/cmake", "/bin/ninja")


def test_tools_fetched_before_are_used(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    for name in ("cmake", "ninja"):
        write_program(tmp_path / "private/bin" / name, "#!/bin/sh\n")
    tools = find_tools(tmp_path / "private", token=NeverCancelled(), which=which_of())
    assert tools.cmake == str(tmp_path / "private/bin/cmake")


def test_tools_that_cannot_be_fetched_are_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(write_program(tmp_path / "python", "#!/bin/sh\necho no network\nexit 1\n")))
    with pytest.raises(RuntimeUnavailable, match=r"could not be fetched with pip.* check the network") as failure:
        find_tools(tmp_path / "private", token=NeverCancelled(), which=which_of())
    assert failure.value.details == "no network"


@pytest.mark.parametrize(
    ("there", "card", "expected"),
    [
        (("nvcc",), "GPU 0: H100", False),  # the compiler alone: a login node, a container
        (("nvidia-smi",), "GPU 0: H100", False),
        (("nvcc", "nvidia-smi"), "No devices were found", False),
        (("nvcc", "nvidia-smi"), "GPU 0: H100", True),
    ],
)
def test_cuda_needs_the_compiler_and_a_card(tmp_path, monkeypatch, there, card, expected):
    monkeypatch.setenv("PATH", str(tmp_path))
    write_program(tmp_path / "nvidia-smi", f"#!/bin/sh\necho '{card}'\n")
    assert has_cuda(which_of(*there)) is expected


@pytest.fixture
def headers(tmp_path):
    top = tmp_path / "usr"
    for name, text in {
        "include/vulkan/vulkan_core.h": "#define VK_EXT_layer_settings 1",
        "include/vulkan/vulkan.hpp": "",
        "share/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake": "",
        "lib/x86_64-linux-gnu/libvulkan.so.1": "",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


def test_all_vulkan_pieces_make_the_options(headers):
    pieces = find_vulkan(headers, which=which_of("glslc"), loaders=(str(headers / "lib"),))
    assert f"-DVulkan_INCLUDE_DIR={headers / 'include'}" in pieces.options
    assert pieces.loader == headers / "lib/x86_64-linux-gnu/libvulkan.so.1"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        ("lib/x86_64-linux-gnu/libvulkan.so.1", "the Vulkan loader"),
        ("include/vulkan/vulkan.hpp", "no Vulkan headers of 1.3.268"),
        ("include/vulkan/vulkan_core.h", "no Vulkan headers of 1.3.268"),
        ("share/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake", "SPIRV-Headers"),
    ],
)
def test_a_missing_vulkan_piece_is_named(headers, spoil, expected):
    (headers / spoil).unlink()
    assert expected in find_vulkan(headers, which=which_of("glslc"), loaders=(str(headers / "lib"),))


def test_old_headers_and_no_glslc_are_said(headers):
    (headers / "include/vulkan/vulkan_core.h").write_text("#define VK_HEADER_VERSION 239")
    assert "1.3.268 or later" in find_vulkan(headers, which=which_of("glslc"), loaders=(str(headers / "lib"),))
    assert "glslc" in find_vulkan(headers, which=which_of(), loaders=())


def test_the_place_of_scripts_is_this_systems():
    assert Path(build_pieces._SCRIPTS).name in ("bin", "Scripts")
