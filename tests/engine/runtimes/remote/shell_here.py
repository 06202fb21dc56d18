"""A ``RemoteShell`` that is this machine: ``sh -c`` with a home of its own; its files can be cut off, damaged or refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from engine.errors import MachineUnreachable, RemoteFileProblem
from engine.remote_ports import CommandOutput
from engine.vocabulary.remote import HostKey, SshTarget
from tests.fakes.ssh.local_shell import LocalStream

BLOCK = 32_768


class FilesHere:
    """``RemoteFiles``. Fails as told."""

    def __init__(self) -> None:
        self.cut_after_bytes: int | None = None
        self.full_after_bytes: int | None = None
        self.damage_next: str | None = None
        """Name of a file whose first byte arrives wrong, once."""
        self.damage_always = False
        self.sent: list[str] = []
        self.sent_bytes = 0

    def size_bytes(self, path):
        return Path(path).stat().st_size if Path(path).exists() else None

    def make_folder(self, path, *, mode=0o700):
        Path(path).mkdir(mode=mode, parents=True, exist_ok=True)

    def write(self, path, source, *, mode, resume, on_bytes):
        data = Path(source).read_bytes()
        there = Path(path).stat().st_size if resume and Path(path).exists() else 0
        self.sent.append(Path(path).name)
        with Path(path).open("ab" if resume else "wb") as stream:
            for at in range(there, len(data), BLOCK):
                self._go_wrong()
                block = data[at : at + BLOCK]
                stream.write(self._damaged(block, Path(path).name) if at == there else block)
                self.sent_bytes += len(block)
                stream.flush()
                on_bytes(len(block))
        Path(path).chmod(mode)

    def _go_wrong(self):
        if self.cut_after_bytes is not None and self.sent_bytes >= self.cut_after_bytes:
            raise MachineUnreachable("The connection to gpu-node was lost.")
        if self.full_after_bytes is not None and self.sent_bytes >= self.full_after_bytes:
            raise RemoteFileProblem("A file could not be written: Failure.")

    def _damaged(self, block, name):
        if name != self.damage_next:
            return block
        if not self.damage_always:
            self.damage_next = None
        return bytes([block[0] ^ 1]) + block[1:]

    def write_bytes(self, path, data, *, mode=0o600):
        Path(path).write_bytes(data)
        Path(path).chmod(mode)

    def rename(self, path, to):
        assert not Path(to).exists()
        Path(path).rename(to)

    def remove_tree(self, path):
        shutil.rmtree(path, ignore_errors=True)


class ShellHere:
    """``RemoteShell``, as far as it is used. ``answers`` may change what a command printed."""

    target = SshTarget(host="gpu-node", user="ada")
    host_key = HostKey(host="gpu-node", key_type="ssh-ed25519", key_base64="AAAA", fingerprint="SHA256:x")

    def __init__(self, home: Path, *, path: str = "/usr/bin:/bin", login_shell: str = "sh") -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.environment = {"HOME": str(home), "PATH": path}
        self.login_shell = login_shell
        self.here = FilesHere()
        self.answers: Callable[[bytes], bytes] = lambda said: said
        self.commands: list[str] = []
        self.streams: list[LocalStream] = []

    def run(self, command, *, stdin=b"", timeout_seconds, max_output_bytes=4 * 1024 * 1024, token=None):
        if token is not None:
            token.check()
        self.commands.append(command)
        done = subprocess.run(
            [self.login_shell, "-c", command],
            input=stdin,
            capture_output=True,
            env=self.environment,
            cwd=self.environment["HOME"],
            timeout=timeout_seconds,
            check=False,
        )
        said = self.answers(done.stdout)[:max_output_bytes]
        return CommandOutput(exit_code=done.returncode, stdout=said, stderr=done.stderr)

    def files(self):
        return self.here

    def open(self, command):
        self.streams.append(
            LocalStream(
                subprocess.Popen(
                    [self.login_shell, "-c", command],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    cwd=self.environment["HOME"],
                    env={**self.environment, "LC_ALL": "C"},
                    start_new_session=True,
                )
            )
        )
        return self.streams[-1]

    def connect_port(self, host, port, timeout_seconds):
        raise NotImplementedError

    def round_trip_seconds(self):
        return 0.001

    def is_alive(self):
        return True

    def close(self):
        """Nothing to close."""


def fake_programs(folder: Path, *, commit: str | None = "abc1234", number: int = 9821, says: str = "") -> Path:
    """A folder of shell scripts that answer as llama.cpp's programs do."""
    folder.mkdir(parents=True, exist_ok=True)
    rpc = """#!/bin/sh
{says}
if [ "$1" = -d ]; then
    echo 'error: unknown device: list' >&2
    echo 'available devices:' >&2
    echo '  CPU: AMD EPYC (24105 MiB, 24105 MiB free)'
    exit 1
fi
cat >&2 <<'HELP'
load_backend: loaded RPC backend from /x/libggml-rpc.so
Usage: ./ggml-rpc-server [options]

options:
  -h, --help                       show this help message and exit
  -t, --threads N                  number of threads for the CPU device (default: 1)
  -d, --device <dev1,dev2,...>     comma-separated list of devices
  -H, --host HOST                  host to bind to (default: 127.0.0.1)
  -p, --port PORT                  port to bind to (default: 50052)
  -c, --cache                      enable local file cache
HELP
"""
    _program(folder / "ggml-rpc-server", rpc.replace("{says}", says))
    if commit is not None:
        _program(folder / "llama-server", f"#!/bin/sh\necho 'version: {number} ({commit})' >&2\n")
    return folder


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
