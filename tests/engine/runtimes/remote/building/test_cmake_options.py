"""The options of a build elsewhere: those of one here, and the toolchain's."""

from engine.runtimes.building.build_from_source import BASE_OPTIONS, COMMIT
from engine.runtimes.remote.building.build_tools_there import BuildToolsThere, Cuda, Rocm
from engine.runtimes.remote.building.cmake_options import configuration_of


def tools(**more):
    facts = {
        "os_family": "Linux",
        "architecture": "x86_64",
        "cmake": "/usr/bin/cmake",
        "cmake_version": (3, 28),
        "ninja": None,
        "make": "/usr/bin/make",
        "has_c": True,
        "has_cxx": True,
        "cores": 64,
        "memory_bytes": 16_000_000_000,
    }
    return BuildToolsThere(**{**facts, **more})


def test_a_cpu_build_has_the_options_of_ours():
    made = configuration_of(tools())
    rpath = "-DCMAKE_INSTALL_RPATH=$ORIGIN"
    assert set(BASE_OPTIONS) - {rpath} <= set(made.options)
    assert made.options[-1] == rpath
    assert "-DGGML_CCACHE=OFF" in made.options
    assert (made.build_id, made.backends, made.environment) == (f"llama.cpp-{COMMIT}-cpu-built-there", (), ())


def test_cuda():
    made = configuration_of(tools(cuda=Cuda(nvcc="/usr/local/cuda-13.0/bin/nvcc")))
    assert {"-DGGML_CUDA=ON", "-DCMAKE_CUDA_ARCHITECTURES=native"} <= set(made.options)
    assert made.options[-1] == "-DCMAKE_INSTALL_RPATH=$ORIGIN;/usr/local/cuda-13.0/lib64"
    assert made.environment == (("CUDACXX", "/usr/local/cuda-13.0/bin/nvcc"),)
    assert (made.build_id, made.backends) == (f"llama.cpp-{COMMIT}-cpu-cuda-built-there", ("CUDA",))


def test_rocm():
    rocm = Rocm(clang="/opt/rocm/llvm/bin/clang", root="/opt/rocm", targets=("gfx1100", "gfx90a"))
    made = configuration_of(tools(rocm=rocm))
    assert {"-DGGML_HIP=ON", "-DAMDGPU_TARGETS=gfx1100;gfx90a"} <= set(made.options)
    assert dict(made.environment)["HIPCXX"] == "/opt/rocm/llvm/bin/clang"
    assert made.backends == ("ROCm",)


def test_one_processor_only():
    for made in (configuration_of(tools(), this_cpu_only=True), configuration_of(tools(architecture="riscv64"))):
        assert {"-DGGML_NATIVE=ON", "-DGGML_BACKEND_DL=OFF", "-DGGML_CPU_ALL_VARIANTS=OFF"} <= set(made.options)
        assert made.build_id.endswith("-this-cpu-built-there")


def test_compilers_get_memory():
    assert tools().jobs == 10
    assert tools(memory_bytes=1).jobs == 1
    assert tools(memory_bytes=None).jobs == 64
