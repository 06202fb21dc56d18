"""What a build needs of this machine: a compiler, cmake, ninja; for CUDA and Vulkan their own pieces. Or what is missing.

CUDA is built only where a card is: nvcc alone (a login node, a container) would cost tens of minutes for nothing. Vulkan needs
headers with ``VK_EXT_layer_settings`` (ggml-vulkan.cpp uses ``vk::LayerSettingEXT``), 1.3.268 and later; Debian 12 has
1.3.239.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ProcessFailed, RuntimeUnavailable
from engine.ports import CancelToken
from engine.runtimes.building.python_here import python_with_pip
from engine.runtimes.run_program import run_to_end, run_with_lines

_NEEDED_NAME = b"VK_EXT_layer_settings"
_LOADER_PLACES = ("/usr/lib", "/usr/lib64", "/lib64", "/usr/local/lib", "/opt/homebrew/lib")
_LOCK = Path(__file__).with_name("build_tools.txt")
"""cmake and ninja with the hashes of their archives; written by ``make lock``."""
_SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTools:
    """Paths of the programs that build."""

    cmake: str
    ninja: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VulkanPieces:
    """What the Vulkan backend is built with."""

    glslc: str
    include: Path
    spirv_headers: Path
    """Folder of ``SPIRV-HeadersConfig.cmake``."""
    loader: Path
    """``libvulkan.so`` or ``libvulkan.so.1``."""

    @property
    def options(self) -> tuple[str, ...]:
        """For cmake."""
        return (
            "-DGGML_VULKAN=ON",
            f"-DVulkan_INCLUDE_DIR={self.include}",
            f"-DVulkan_LIBRARY={self.loader}",
            f"-DVulkan_GLSLC_EXECUTABLE={self.glslc}",
            f"-DSPIRV-Headers_DIR={self.spirv_headers}",
        )


def check_compiler(which: Callable[[str], str | None] = shutil.which) -> None:
    """Raises ``RuntimeUnavailable`` when there is no C or no C++ compiler."""
    missing = []
    if not (os.environ.get("CC") or which("cc") or which("gcc") or which("clang")):
        missing.append("C")
    if not (os.environ.get("CXX") or which("c++") or which("g++") or which("clang++")):
        missing.append("C++")
    if missing:
        raise RuntimeUnavailable(
            f"There is no {' and no '.join(missing)} compiler on this machine, so llama.cpp cannot be built.",
            advice="Install one (Debian, Ubuntu: apt-get install gcc g++), or choose a folder with llama.cpp's programs.",
        )


def find_tools(private: Path, *, token: CancelToken, which: Callable[[str], str | None] = shutil.which) -> BuildTools:
    """cmake and ninja: the machine's, those beside our Python, or fetched with pip into the folder ``private``.

    Raises ``RuntimeUnavailable`` when they are nowhere and cannot be fetched.
    """
    beside = (Path(sys.executable).parent, private / _SCRIPTS)

    def find(name: str) -> str | None:
        return which(name) or next((str(place / name) for place in beside if (place / name).is_file()), None)

    cmake, ninja = find("cmake"), find("ninja")
    if cmake is None or ninja is None:
        _fetch_tools(private, token)
        cmake, ninja = find("cmake"), find("ninja")
    if cmake is None or ninja is None:
        raise RuntimeUnavailable("cmake and ninja were fetched, but are not where they must be.", details=str(private))
    return BuildTools(cmake=cmake, ninja=ninja)


def has_cuda(which: Callable[[str], str | None] = shutil.which) -> bool:
    """Whether there is both CUDA's compiler and a card."""
    if which("nvcc") is None or which("nvidia-smi") is None:
        return False
    try:
        cards = run_to_end(("nvidia-smi", "-L"), timeout_seconds=20.0)
    except ProcessFailed:
        return False
    return cards.exit_code == 0 and "GPU 0" in cards.stdout


def find_vulkan(
    headers: Path | None, *, which: Callable[[str], str | None] = shutil.which, loaders: Sequence[str] = _LOADER_PLACES
) -> VulkanPieces | str:
    """The pieces, or one sentence that says what is missing. ``headers``: a folder with ``include`` and ``share``."""
    glslc = which("glslc")
    if glslc is None:
        return "glslc, the shader compiler, is not installed."
    loader = _find_loader(loaders)
    if loader is None:
        return "libvulkan, the Vulkan loader, is not installed."
    sdk = os.environ.get("VULKAN_SDK")
    places = [headers] if headers else [*([Path(sdk)] if sdk else []), Path("/usr/local"), Path("/usr")]
    for place in places:
        spirv = next((path.parent for path in place.glob("*/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake")), None)
        if spirv and _are_recent(place / "include"):
            return VulkanPieces(glslc=glslc, include=place / "include", spirv_headers=spirv, loader=loader)
    return "There are no Vulkan headers of 1.3.268 or later with SPIRV-Headers."


def _are_recent(include: Path) -> bool:
    try:
        return _NEEDED_NAME in (include / "vulkan/vulkan_core.h").read_bytes() and (include / "vulkan/vulkan.hpp").is_file()
    except OSError:
        return False


def _find_loader(places: Sequence[str]) -> Path | None:
    for place in places:
        for pattern in ("libvulkan.so", "libvulkan.so.1", "*/libvulkan.so", "*/libvulkan.so.1", "libvulkan.dylib"):
            for found in sorted(Path(place).glob(pattern)):
                if found.exists():
                    return found
    return None


def _fetch_tools(private: Path, token: CancelToken) -> None:
    said: list[str] = []
    python = private / _SCRIPTS / "python"
    only_these = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "--requirement", str(_LOCK))
    for argv in (
        [python_with_pip(), "-m", "venv", str(private)],
        [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *only_these],
    ):
        if run_with_lines(argv, on_line=said.append, token=token) != 0:
            raise RuntimeUnavailable(
                "cmake and ninja are not installed and could not be fetched with pip.",
                advice="Install them (Debian, Ubuntu: apt-get install cmake ninja-build) or check the network.",
                details="\n".join(said[-12:]),
            )
