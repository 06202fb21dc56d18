"""A folder of programs that answer as llama.cpp's do, in a few lines of Python each: for tests of finding and describing.

What they print is what the real programs printed (``tests/recorded``); that the real ones still do is tested on the real ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

_RPC_SERVER = '''#!{python}
import socket, struct, sys
DEVICES = """{devices}"""
arguments = sys.argv[1:]
if arguments == ["--help"]:
    sys.exit("Usage: rpc-server [options]\\n  -d, --device <dev1,dev2,...>  devices\\n  -p, --port PORT")
if arguments == ["-d", "list"]:
    print(DEVICES)
    sys.exit("{loaded}error: unknown device: list")
port = int(arguments[arguments.index("-p") + 1])
with socket.create_server(("127.0.0.1", port)) as server:
    while True:
        connection, _ = server.accept()
        with connection:
            header = connection.recv(9, socket.MSG_WAITALL)
            if len(header) == 9:
                size = struct.unpack("<BQ", header)[1]
                connection.recv(size, socket.MSG_WAITALL) if size else b""
                if size == {hello_bytes}:
                    body = bytes({version}) + bytes(25 if size else 0)
                    connection.sendall(struct.pack("<Q", len(body)) + body)
'''
_LLAMA_SERVER = """#!{python}
import sys
if sys.argv[1:] == ["--version"]:
    sys.exit("{version_line}\\nbuilt with GNU 12.2.0 for Linux x86_64")
if sys.argv[1:] == ["--list-devices"]:
    print("Available devices:")
else:
    print("-h,    --help\\n{rpc_option}")
"""
_OTHER = "#!{python}\n"


def write_fake_build(
    folder: Path,
    *,
    rpc_server: str = "ggml-rpc-server",
    version: tuple[int, int, int] = (7, 0, 0),
    version_line: str = "version: 0.5.0-dev (build 11434, commit 0c1e570)",
    backends: tuple[str, ...] = ("RPC", "CPU"),
    has_rpc: bool = True,
    without: tuple[str, ...] = (),
) -> Path:
    """Write the four programs into ``folder``, minus those in ``without``; gives the folder."""
    python = sys.executable
    texts = {
        rpc_server: _RPC_SERVER.format(
            python=python,
            devices="  CPU: AMD EPYC (24105 MiB, 24105 MiB free)",
            loaded="".join(f"load_backend: loaded {name} backend from /lib\\n" for name in backends),
            hello_bytes=24 if version[0] >= 4 else 0,
            version=version,
        ),
        "llama-server": _LLAMA_SERVER.format(
            python=python, version_line=version_line, rpc_option="--rpc SERVERS" if has_rpc else ""
        ),
        "llama-bench": _OTHER.format(python=python),
        "llama-fit-params": _OTHER.format(python=python),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        if name not in without:
            write_program(folder / name, text)
    return folder


def write_program(path: Path, text: str) -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path
