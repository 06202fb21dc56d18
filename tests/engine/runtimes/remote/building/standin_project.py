"""A project that compiles in a second, packed as llama.cpp's source is, and a machine (this one) on which to build it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from engine.runtimes.remote.building.build_there import BuildInputs
from engine.runtimes.remote.building.send_archive import Archive

TOP = "llama_cpp_python-0.3.36/vendor/llama.cpp"
CMAKE = """\
cmake_minimum_required(VERSION 3.14)
project(standin C CXX)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_library(ggml-cpu-x64 MODULE cpu.c)
add_library(ggml-base SHARED base.c)
add_executable(ggml-rpc-server server.c)
target_link_libraries(ggml-rpc-server ggml-base)
add_dependencies(ggml-rpc-server ggml-cpu-x64)
"""
SERVER = """\
#include <stdio.h>
#include <string.h>
int base(void);
int main(int count, char **words) {
    if (count > 1 && !strcmp(words[1], "-d")) {
        puts("available devices:\\n  CPU: A CPU (1024 MiB, 512 MiB free)");
        return 1;
    }
    puts("load_backend: loaded CPU backend from x\\nload_backend: loaded RPC backend from y");
    puts("Usage: ./ggml-rpc-server [options]\\n\\noptions:\\n  -h, --help show\\n  -t, --threads N n\\n"
         "  -d, --device <dev1,dev2,...> d\\n  -H, --host HOST h\\n  -p, --port PORT p\\n  -c, --cache c");
    return base();
}
"""
SLOW = """\
add_custom_command(OUTPUT slow.txt COMMAND sleep 3601)
add_custom_target(slow DEPENDS slow.txt)
add_dependencies(ggml-rpc-server slow)
"""
FILES = {
    "CMakeLists.txt": CMAKE,
    "server.c": SERVER,
    "base.c": "int base(void) { return 0; }\n",
    "cpu.c": "int cpu(void) { return 1; }\n",
    ".git/config": "not ours\n",
}


def packed(folder: Path, **changes: str) -> Archive:
    """The archive. ``changes``: other texts for ``cmake``, ``server``."""
    files = FILES | {"CMakeLists.txt": changes.get("cmake", CMAKE), "server.c": changes.get("server", SERVER)}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "source.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in {**{f"{TOP}/{name}": text for name, text in files.items()}, "other/big.txt": "no\n"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return Archive(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def inputs_with(archive: Archive, programs: Archive | str = "there are none in this test.", **more: bool) -> BuildInputs:
    return BuildInputs(source=lambda _on_bytes: archive, programs=lambda _system: programs, **more)


def programs_only(folder: Path, *without: str) -> str:
    """A PATH with everything of /usr/bin and /bin but these."""
    folder.mkdir()
    for place in ("/usr/bin", "/bin"):
        for program in Path(place).iterdir():
            target = folder / program.name
            if program.name not in without and not target.exists():
                target.symlink_to(program)
    return str(folder)


def running_in(folder: Path) -> list[str]:
    """Command lines of the processes whose working folder is below ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "cwd").readlink().is_relative_to(folder):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return found
