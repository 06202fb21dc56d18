"""A real sshd of ours on 127.0.0.1 and a free port, with its own keys, for the user that runs the tests. Stopped by its pid.

::

    with private_sshd(tmp_path) as sshd:
        ...  # sshd.address, sshd.port, sshd.user, sshd.client_key, sshd.host_key, sshd.known_hosts_line
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ADDRESS = "127.0.0.1"
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateSshd:
    """What runs, and with what one logs in."""

    folder: Path
    address: str
    port: int
    user: str
    client_key: Path
    """Private key without a passphrase that is let in; its public half is ``<client_key>.pub``."""
    host_key: str
    """``ssh-ed25519 AAAA...``: the public half, as in a known_hosts file."""
    authorized_keys: Path
    home: Path
    """``$HOME`` of what runs there: an empty folder, so that no start-up file of the user's shell slows it or talks."""
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Of the listening sshd; every connection has its own child."""
        return self.process.pid

    @property
    def known_hosts_line(self) -> str:
        """The line that makes it known."""
        return f"[{self.address}]:{self.port} {self.host_key}"

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "sshd.log").read_text(encoding="utf-8", errors="replace")

    def session_pids(self) -> list[int]:
        """Its direct children: one per connection."""
        return [child.pid for child in psutil.Process(self.pid).children()]

    def kill_sessions(self) -> None:
        """End all connections with what sshd started for them, as when the machine's sshd is killed."""
        for child in psutil.Process(self.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()

    def stop(self) -> None:
        """End it and its connections. Idempotent."""
        if self.process.poll() is None:
            self.kill_sessions()
            self.process.kill()
            self.process.wait(timeout=10)


@contextmanager
def private_sshd(
    folder: Path, *, extra: Iterable[str] = (), port: int | None = None, host_key: Path | None = None, passwords: bool = False
) -> Iterator[PrivateSshd]:
    """Run one. ``extra`` are lines for its configuration, before ours (the first value of an option counts). ``passwords``
    offers password logins (without PAM, so only a user with a password in the shadow file gets in). ``host_key``: a private
    key to use instead of a new one."""
    sshd = _start(folder, tuple(extra), port or free_port(), host_key, passwords=passwords)
    try:
        yield sshd
    finally:
        sshd.stop()


def new_key(path: Path, *, passphrase: str = "", key_type: str = "ed25519") -> Path:
    """A new key pair."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", key_type, "-N", passphrase, "-C", path.name, "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return path


def free_port() -> int:
    """A port of the loopback that is free now."""
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        return int(listener.getsockname()[1])


def _start(folder: Path, extra: tuple[str, ...], port: int, host_key: Path | None, *, passwords: bool) -> PrivateSshd:
    folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert program, "there is no sshd on this machine: install openssh-server"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it wants it when it runs as root
    host_key = host_key or new_key(folder / "host_key")
    client_key = new_key(folder / "client_key")
    authorized = folder / "authorized_keys"
    shutil.copyfile(f"{client_key}.pub", authorized)
    home = folder / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    config = folder / "sshd_config"
    ours = _config(port, host_key, authorized, home, passwords=passwords)
    if any(line.startswith("Subsystem sftp") for line in extra):  # the one option that may not be said twice
        ours = tuple(line for line in ours if not line.startswith("Subsystem sftp"))
    config.write_text("\n".join((*extra, *ours)) + "\n")
    with (folder / "sshd.log").open("ab") as log:
        process = subprocess.Popen(
            [program, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
        )
    sshd = PrivateSshd(
        folder=folder,
        address=ADDRESS,
        port=port,
        user=getpass.getuser(),
        client_key=client_key,
        host_key=" ".join(Path(f"{host_key}.pub").read_text(encoding="ascii").split()[:2]),
        authorized_keys=authorized,
        home=home,
        process=process,
    )
    _wait_until_it_listens(sshd)
    return sshd


def _config(port: int, host_key: Path, authorized: Path, home: Path, *, passwords: bool) -> tuple[str, ...]:
    yes_or_no = "yes" if passwords else "no"
    return (
        f"Port {port}",
        f"ListenAddress {ADDRESS}",
        f"HostKey {host_key}",
        f"AuthorizedKeysFile {authorized}",
        f"SetEnv HOME={home}",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin yes",
        "PubkeyAuthentication yes",
        f"PasswordAuthentication {yes_or_no}",
        f"KbdInteractiveAuthentication {yes_or_no}",
        "AllowTcpForwarding yes",
        "MaxStartups 100:30:200",
        "MaxSessions 100",
        "LogLevel VERBOSE",
        "PrintMotd no",
        "Subsystem sftp internal-sftp",
    )


def _wait_until_it_listens(sshd: PrivateSshd) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and sshd.process.poll() is None:
        with suppress(OSError), socket.create_connection((sshd.address, sshd.port), timeout=1) as probe:
            probe.recv(64)
            return
        time.sleep(0.02)
    sshd.stop()
    raise AssertionError(f"sshd did not start: {sshd.log}")
