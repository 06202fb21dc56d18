"""Small builds of this machine, as a coordinator has them: with a manifest, libraries, links, and what is not sent."""

from __future__ import annotations

from pathlib import Path

from engine.runtimes.manifest import FORMAT, Manifest, list_files, write_manifest
from engine.vocabulary.runtime import RpcProtocolVersion, Runtime, RuntimeSource
from tests.engine.runtimes.remote.shell_here import fake_programs

COMMIT = "0c1e570"


def a_runtime(folder: Path, **changes) -> Runtime:
    facts = {
        "id": "llama.cpp-x",
        "folder": str(folder),
        "source": RuntimeSource.BUILT,
        "rpc_server": str(folder / "ggml-rpc-server"),
        "llama_server": str(folder / "llama-server"),
        "llama_bench": None,
        "llama_fit_params": None,
        "build_number": None,
        "commit": COMMIT,
        "protocol": RpcProtocolVersion(major=7, minor=0, patch=0),
        "backends": ("CPU", "RPC"),
    }
    return Runtime(**{**facts, **changes})


def a_build(top: Path, *, says: str = "", manifest: bool = True, library_bytes: int = 200_000) -> Runtime:
    """``top/bin`` with programs, three libraries (two behind links) and, if wanted, a manifest."""
    programs = fake_programs(top / "bin", commit=COMMIT, says=says)
    (programs / "libggml.so.0.25.3").write_bytes(bytes(range(256)) * (library_bytes // 256))
    (programs / "libggml-cpu-x64.so").write_bytes(b"cpu" * 50_000)
    (programs / "libllama.so.0.5.0").write_bytes(b"llama" * 50_000)
    for link, target in (
        ("libggml.so.0", "libggml.so.0.25.3"),
        ("libggml.so", "libggml.so.0"),
        ("libllama.so", "libllama.so.0.5.0"),
    ):
        (programs / link).symlink_to(target)
    if manifest:
        write_manifest(
            top,
            Manifest(
                format=FORMAT,
                programs="bin",
                origin="a test",
                build_number=None,
                commit=COMMIT,
                protocol="7.0.0",
                backends=("CPU", "RPC"),
                options=("-DGGML_RPC=ON",),
                made_at="2026-11-23T21:15:07+00:00",
                files=list_files(top),
            ),
        )
    return a_runtime(programs, id=top.name)
