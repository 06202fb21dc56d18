"""One host of the lab: a machine with its own address, name, accounts, disk and sshd, that can be powered off, cut off, slowed
down and broken in the ways machines break.

What it has of its own: network, mount, UTS, IPC and PID namespaces; /etc/{passwd,shadow,group,hostname,hosts,machine-id,ssh};
boot id; /home (in memory, survives a power cut, not the lab), /tmp, /var/tmp, /run, /dev/shm, /dev/pts, /sys. All else is
this machine's, read-only; /root and the real /home are hidden: nothing of Crossply is prepared there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.lab.machines import cpu_quota, host_files
from tests.lab.machines.box import (
    BIND,
    MOVE,
    READ_ONLY,
    REMOUNT,
    Box,
    LabFailed,
    bind,
    is_gone,
    no_ipv6,
    own_sys,
    tmpfs,
    wait_until_gone,
)
from tests.lab.machines.host_files import SSHD, USER, USER_HOME
from tests.lab.network.switch import Switch

SSH_PORT = 22
_KINDS = ("mount", "uts", "ipc", "net", "pid")
_START_SECONDS = 10.0
_WRITABLE = (USER_HOME, "/tmp", "/var/tmp", "/dev/shm")
_PROGRAM_FOLDERS = ("/usr/local/bin", "/usr/bin")
_LISTENING = "0A"
"""State of /proc/net/tcp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostProcess:
    """A process of a host, seen from outside."""

    pid: int
    """Its number outside."""
    uid: int
    argv: tuple[str, ...]


class Host:
    """``name``, ``address``, ``user``, ``password``, ``uid`` and what can be done to it."""

    def __init__(
        self, *, number: int, switch: Switch, folder: Path, password: str, home_mb: int, on_start: Callable[[int], None]
    ) -> None:
        """``folder``: has what :func:`host_files.write_host_files` wrote. ``on_start`` hears of every new process."""
        self.number = number
        self.name = f"lab{number}"
        self.address = switch.address(number)
        self.user = USER
        self.uid = uid_of(number)
        self.password = password
        self.folder = folder
        self._switch = switch
        self._port = f"port{number}"
        self._on_start = on_start
        self._box: Box | None = None
        self._home = folder / "home"
        self._home.mkdir()
        self._home_options = f"size={home_mb}m,mode=700,uid={self.uid},gid={self.uid}"
        switch.box.do([tmpfs(self._home, self._home_options)])

    # --- power -------------------------------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return self._box is not None

    def start_power(self) -> None:
        """The first half of :meth:`power_on`, which does not wait: several hosts come up side by side."""
        if self._box is None:
            self._box = Box(self.name, _KINDS, within=self._switch.box)

    def power_on(self) -> None:
        """Boot: returns when sshd listens. Its home is as it was."""
        self.start_power()
        box = self._on()
        for pid in box.processes:
            self._on_start(pid)
        (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n", encoding="ascii")
        box.do(no_ipv6())
        self._switch.plug(box, self._port, self.number)
        box.do(self._mounts())
        self.start_sshd()

    def power_off(self) -> None:
        """The plug is pulled: no byte leaves any more, every process is gone, what was not in its home is forgotten."""
        box = self._on()
        self._switch.unplug(self._port)
        box.kill()
        self._box = None

    def make_new(self) -> None:
        """Empty disk, then a boot: nothing that a test did to it is left. Its host key stays."""
        if self.is_on:
            self.power_off()
        self._switch.box.do([["unmount", str(self._home)], tmpfs(self._home, self._home_options)])
        self.power_on()

    def _mounts(self) -> list[list[object]]:
        scratch = self.folder / "new-home"
        own_etc = [
            bind(file, Path("/etc", file.name)) for file in sorted((self.folder / "etc").iterdir()) if self._is_there(file)
        ]
        dbus_id = Path("/var/lib/dbus/machine-id")
        if dbus_id.is_file() and not dbus_id.is_symlink():
            own_etc.append(bind(self.folder / "etc/machine-id", dbus_id))
        return [
            *own_sys(self.folder / "sys"),
            *own_etc,
            bind(self.folder / "boot_id", "/proc/sys/kernel/random/boot_id"),
            ["folder", str(scratch), 0o755, 0],
            tmpfs(scratch, "size=1m,mode=755"),
            ["folder", str(scratch / USER), 0o700, self.uid],
            bind(self._home, scratch / USER),
            ["mount", str(scratch), "/home", "", MOVE, ""],
            tmpfs("/run", "mode=755"),
            ["folder", "/run/sshd", 0o755, 0],
            ["write", "/run/utmp", ""],
            tmpfs("/dev/shm", "mode=1777"),
            ["mount", "devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=666,mode=620,gid=5"],
            bind("/dev/pts/ptmx", "/dev/ptmx"),
            ["mount", "none", "/", "", BIND | REMOUNT | READ_ONLY, ""],
            tmpfs("/var/tmp", "mode=1777"),
            tmpfs("/root", "mode=700"),
            tmpfs("/tmp", "mode=1777"),
            ["hostname", self.name],
        ]

    @staticmethod
    def _is_there(file: Path) -> bool:
        """Whether this machine has such a file to put ours over."""
        target = Path("/etc", file.name)
        if not target.exists() and file.name in ("machine-id", "ssh", "shadow"):
            raise LabFailed(f"The lab needs {target} on this machine to put a host's own over it; there is none.")
        return target.exists()

    # --- the network -------------------------------------------------------------------------------------------------

    def cable_out(self) -> None:
        """The cable is pulled: it runs on, and nothing comes through."""
        self._switch.box.ip([f"link set {self._port} down"])

    def cable_in(self) -> None:
        """The cable is back."""
        self._switch.box.ip([f"link set {self._port} up"])

    def slow(self, mbit: float | None) -> None:
        """Limit both directions to ``mbit`` megabits per second (None: no limit)."""
        self._switch.limit(self._on(), self._port, mbit)

    def listening(self) -> list[tuple[str, int]]:
        """(address, port) of every listening TCP socket, loopback too."""
        return listening_in(self._on().pid)

    def exposed(self) -> list[int]:
        """Ports that listen on an address which other machines can reach, but for sshd's."""
        return sorted({port for address, port in self.listening() if not address.startswith("127.") and port != SSH_PORT})

    # --- what is on it -----------------------------------------------------------------------------------------------

    def processes(self, *, uid: int | None = None) -> list[HostProcess]:
        """What runs there (of one user), without the lab's own process 1. Empty when it is off."""
        if self._box is None:
            return []
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if _same_namespace(process.pid, self._box.pid) and not is_gone(process.pid) and process.pid != self._box.pid:
                    found.append(HostProcess(pid=process.pid, uid=process.uids().real, argv=tuple(process.cmdline())))
        return [process for process in found if uid in (None, process.uid)]

    def of_user(self) -> list[HostProcess]:
        """What runs there on the user's account, sshd's own process for a connection left out."""
        return [
            process for process in self.processes(uid=self.uid) if not process.argv or not process.argv[0].startswith("sshd:")
        ]

    def files(self) -> list[str]:
        """Paths, as seen there, of all that the user could have written: home, /tmp, /var/tmp, /dev/shm. Folders too."""
        box = self._on()
        return sorted(
            f"{folder}/{path.relative_to(box.root(folder))}" for folder in _WRITABLE for path in box.root(folder).rglob("*")
        )

    def path(self, inside: str) -> Path:
        """Where a path of the host can be read (and written, as root) from outside."""
        return self._on().root(inside)

    def run(self, argv: list[str], *, seconds: float = 20.0) -> str:
        """What a command says that the user runs there, as over SSH. LabFailed when its status is not 0."""
        places = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/games"
        account = [f"HOME={USER_HOME}", f"USER={USER}", f"LOGNAME={USER}", "SHELL=/bin/sh"]
        as_user = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--"]
        clean = ["env", "-i", "-C", USER_HOME, places, *account]
        return self._on().run([*as_user, *clean, *argv], seconds=seconds)

    def leave_free(self, mb: float) -> None:
        """The disk that its home is on has only so many megabytes left."""
        status = os.statvfs(self._home_outside())
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        size = max(4096, int(used + mb * 1e6))
        self._switch.box.run(["mount", "-o", f"remount,size={size}", str(self._home)], kinds=("mount",))

    def _home_outside(self) -> Path:
        return self._switch.box.root(str(self._home))

    # --- sshd --------------------------------------------------------------------------------------------------------

    def start_sshd(self) -> None:
        """Returns when it listens."""
        # With the umask of a careless administrator: what is started through it inherits that.
        careless = ["sh", "-c", 'umask 000; exec "$@"', "sh"]
        self._on().run([*careless, SSHD, "-f", "/etc/ssh/sshd_config", "-E", "/run/sshd.log"])
        self._wait_for_port(lambda ports: SSH_PORT in ports)

    def kill_sshd(self) -> None:
        """``kill -9`` for the listener and for the process of every connection. What they started is left to itself."""
        ours = [
            process.pid for process in self.processes() if process.argv and "sshd" in Path(process.argv[0]).name.split(":")[0]
        ]
        for pid in ours:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until_gone(ours)

    def sshd_log(self) -> str:
        """What its sshd wrote since the last boot."""
        return self._on().root("/run/sshd.log").read_text(encoding="utf-8", errors="replace")

    def fingerprint(self) -> str:
        """``SHA256:...`` of its host key."""
        return host_files.fingerprint(self.folder / "etc/ssh/ssh_host_ed25519_key.pub")

    def change_host_key(self) -> None:
        """As after a new installation, or with someone in the middle. Connections end."""
        self.kill_sshd()
        host_files.make_key(self.folder / "etc/ssh/ssh_host_ed25519_key", self.name)
        self.start_sshd()

    def hangs_after_connect(self) -> None:
        """In sshd's place something takes connections and never says a word."""
        self.kill_sshd()
        self._on().do([["dead_end", SSH_PORT]])

    def answers_again(self) -> None:
        """Undo :meth:`hangs_after_connect`."""
        self._on().do([["no_dead_end", SSH_PORT]])
        self._wait_for_port(lambda ports: SSH_PORT not in ports)
        self.start_sshd()

    def _wait_for_port(self, good: Callable[[set[int]], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not good({port for _, port in self.listening()}):
            if time.monotonic() > deadline:
                raise LabFailed(f"{self.name}: sshd did not come or go within {_START_SECONDS:g} s: {self.sshd_log()}")
            time.sleep(0.005)

    # --- what it lacks -----------------------------------------------------------------------------------------------

    def without_python(self) -> None:
        """No ``python3`` (nor ``python``) is on its PATH until it is powered off."""
        for number, folder in enumerate(_PROGRAM_FOLDERS):
            real = f"/run/programs{number}"
            self._on().do(
                [
                    ["folder", real, 0o755, 0],
                    bind(folder, real),
                    tmpfs(folder, "mode=755"),
                    ["link_all_but", real, folder, "python"],
                ]
            )

    def cpu_quota(self, fraction: float | None) -> None:
        """All its processes together get so much of one processor (None: no limit). LabFailed where cgroups cannot be used."""
        name = f"{self.folder.parent.name}-{self.number}"
        cpu_quota.limit(name, [self._on().pid, *(process.pid for process in self.processes())], fraction)

    def close(self) -> None:
        """Off for good."""
        if self._box is not None:
            self._box.close()
            self._box = None

    def _on(self) -> Box:
        if self._box is None:
            raise LabFailed(f"{self.name} of the lab is powered off.")
        return self._box


def uid_of(number: int) -> int:
    """User id of ``ada`` on host ``number``: another one on each, so that outside one sees whose a process is."""
    return 21000 + number


def listening_in(pid: int) -> list[tuple[str, int]]:
    """(address, port) of the listening TCP sockets in the network namespace of a process. IPv6 addresses as ``::``."""
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            lines = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
            found |= {_address(line.split()[1]) for line in lines if line.split()[3] == _LISTENING}
    return sorted(found)


def _address(hexadecimal: str) -> tuple[str, int]:
    address, port = hexadecimal.split(":")
    readable = ".".join(str(byte) for byte in reversed(bytes.fromhex(address))) if len(address) == 8 else "::"
    return readable, int(port, 16)


def _same_namespace(pid: int, other: int) -> bool:
    return Path(f"/proc/{pid}/ns/pid").readlink() == Path(f"/proc/{other}/ns/pid").readlink()
