"""With which options llama.cpp is configured on a remote machine: those of a build here, and its GPU toolchain.

Only the CPU lines were ever run by us; the CUDA and ROCm ones follow llama.cpp's ``docs/build.md`` and wait for a machine.
The folder of the toolkit's libraries goes into the libraries' search path: for a login without a terminal nothing sets
``LD_LIBRARY_PATH``. ccache is off, because it would write into the user's home.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.runtimes.building.build_from_source import BASE_OPTIONS, COMMIT
from engine.runtimes.remote.building.build_tools_there import BuildToolsThere

_WITH_ALL_VARIANTS = frozenset({"x86_64", "amd64", "aarch64", "arm64", "ppc64", "ppc64le"})
"""Processors for which llama.cpp builds one CPU library per instruction set (``ggml/src/CMakeLists.txt``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What cmake is given."""

    build_id: str
    """Name of the finished build's folder."""
    backends: tuple[str, ...]
    """Beside CPU and RPC, by ggml's names: ``CUDA``, ``ROCm``."""
    options: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


def configuration_of(tools: BuildToolsThere, *, this_cpu_only: bool = False) -> Configuration:
    """``this_cpu_only``: one CPU library for the processor that is there now, instead of one per instruction set. Compiled in
    a fraction of the time; must not be used where machines with different processors share a home folder."""
    options = [option for option in BASE_OPTIONS if not option.startswith("-DCMAKE_INSTALL_RPATH=")]
    options.append("-DGGML_CCACHE=OFF")
    native = this_cpu_only or tools.architecture.lower() not in _WITH_ALL_VARIANTS
    if native:
        # llama.cpp refuses "native" together with backends that are loaded by name
        options += ["-DGGML_CPU_ALL_VARIANTS=OFF", "-DGGML_NATIVE=ON", "-DGGML_BACKEND_DL=OFF"]
    paths = ["@loader_path" if tools.os_family == "Darwin" else "$ORIGIN"]
    backends, environment = [], []
    if tools.cuda:
        backends.append("CUDA")
        options += ["-DGGML_CUDA=ON", "-DCMAKE_CUDA_ARCHITECTURES=native"]
        environment.append(("CUDACXX", tools.cuda.nvcc))
        paths.append(f"{tools.cuda.root}/lib64")
    if tools.rocm:
        backends.append("ROCm")
        targets = ";".join(tools.rocm.targets)
        options += ["-DGGML_HIP=ON", f"-DAMDGPU_TARGETS={targets}", f"-DGPU_TARGETS={targets}"]
        environment += [("HIPCXX", tools.rocm.clang), ("HIP_PATH", tools.rocm.root), ("ROCM_PATH", tools.rocm.root)]
        paths.append(f"{tools.rocm.root}/lib")
    options.append(f"-DCMAKE_INSTALL_RPATH={';'.join(paths)}")
    parts = [f"llama.cpp-{COMMIT}-cpu", *(name.lower() for name in backends), *(["this-cpu"] if native else []), "built-there"]
    return Configuration(
        build_id="-".join(parts), backends=tuple(backends), options=tuple(options), environment=tuple(environment)
    )
