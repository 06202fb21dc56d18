"""The lab: real machines in miniature on this one, for end-to-end tests and for people (``python -m tests.lab``).

``Lab(hosts=4)`` as a context manager: hosts ``lab1`` ... (:class:`tests.lab.machines.host.Host`) with nothing prepared on them
but sshd, an account and a key that may log in; the *desk*, where the program under test runs (own network namespace, so its
loopback ports are its own, and a home whose ``~/.ssh`` both Crossply and the real ``ssh`` use); the *stranger*, a machine
that looks which ports it can reach. Needs root.

OpenSSH takes ``~`` from the accounts, not from $HOME: on the desk /etc/passwd says that our home is ``client_home``.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import pwd
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from tests.lab.leftovers import new_name, note_process, remove_cgroups, remove_leftovers
from tests.lab.machines import host_files
from tests.lab.machines.box import Box, LabFailed, bind, no_ipv6, own_sys
from tests.lab.machines.host import SSH_PORT, Host, uid_of
from tests.lab.network.delay_relay import DelayRelay
from tests.lab.network.stranger import ExposureWatch, Stranger
from tests.lab.network.switch import DESK, ITSELF, Switch

PROGRAMS = ("ip", "tc", "unshare", "nsenter", "setsid", "setpriv", "ssh", "ssh-keygen", host_files.SSHD)
DEFAULT_HOME_MB = 4096
_XDG = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
    "XDG_RUNTIME_DIR": "run",
}


def why_not() -> str | None:
    """Why this process cannot have a lab; None when it can."""
    if os.geteuid() != 0:
        return "the lab makes network namespaces and accounts: it needs root"
    missing = [
        program for program in PROGRAMS if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None
    ]
    if missing:
        return f"the lab needs {', '.join(missing)} (Debian: apt-get install iproute2 openssh-server util-linux)"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, text=True, check=False
    )
    return None if tried.returncode == 0 else f"root may not make namespaces here: {tried.stderr.strip()}"


class Lab:
    """``hosts``, ``desk`` (:class:`Box`), ``stranger``, ``client_home``, ``password``."""

    def __init__(self, hosts: int = 4, *, home_mb: int = DEFAULT_HOME_MB) -> None:
        """``home_mb``: size of each host's disk for /home. Raises LabFailed; what was made so far is taken away again."""
        problem = why_not()
        if problem is not None:
            raise LabFailed(problem[0].upper() + problem[1:] + ".")
        remove_leftovers()
        self.name = new_name()
        self.password = secrets.token_urlsafe(9)
        self._made = ExitStack()
        atexit.register(self.close)
        with ExitStack() as undo:
            undo.callback(self.close)
            self._build(hosts, home_mb)
            undo.pop_all()

    def _build(self, n_hosts: int, home_mb: int) -> None:
        self.folder = Path(tempfile.gettempdir(), self.name)
        self._made.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._made.callback(remove_cgroups, self.name)
        self.folder.mkdir(mode=0o755)
        self.client_home = self.folder / "desk"
        self._write_client_home()
        self.switch = Switch(self.folder, self.name.rpartition("-")[2])
        self._made.callback(self.switch.close)
        with self._one_lab_at_a_time():
            self.switch.start()
        self._note(self.switch.box)
        self.desk = Box("the desk", ("net", "mount"))
        self._made.callback(self.desk.close)
        self.stranger = Stranger()
        self._made.callback(self.stranger.box.close)
        self.hosts = self._host_list(n_hosts, home_mb)
        self._write_ssh_config()
        self._start_desk()
        self.stranger.start(self.switch)
        self._note(self.desk)
        self._note(self.stranger.box)
        for host in self.hosts:
            host.power_on()

    def _host_list(self, count: int, home_mb: int) -> list[Host]:
        hashed = host_files.hash_password(self.password)
        key = (self.client_home / ".ssh/id_ed25519.pub").read_text(encoding="ascii").strip()
        more = host_files.penalties_off()
        hosts = []
        for number in range(1, count + 1):
            folder = self.folder / f"host{number}"
            host_files.write_host_files(
                folder, name=f"lab{number}", uid=uid_of(number), password_hash=hashed, client_key=key, more_config=more
            )
            host = Host(
                number=number,
                switch=self.switch,
                folder=folder,
                password=self.password,
                home_mb=home_mb,
                on_start=lambda pid: note_process(self.folder, pid),
            )
            self._made.callback(host.close)
            host.start_power()
            hosts.append(host)
        return hosts

    @staticmethod
    @contextmanager
    def _one_lab_at_a_time() -> Iterator[None]:
        """Two labs that start together must not take the same subnet."""
        with Path(tempfile.gettempdir(), "crossply-lab.lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _note(self, box: Box) -> None:
        for pid in box.processes:
            note_process(self.folder, pid)

    # --- the desk ----------------------------------------------------------------------------------------------------

    def _write_client_home(self) -> None:
        self.client_home.mkdir(mode=0o700)
        for folder in (".ssh", *_XDG.values()):
            (self.client_home / folder).mkdir(mode=0o700, parents=True)
        host_files.make_key(self.client_home / ".ssh/id_ed25519", "desk")

    def _write_ssh_config(self) -> None:
        """Entries lab1 ...; lab2 comes by an ``Include``, the last one (of two or more) is reached through lab1."""
        entries = {host.name: f"Host {host.name}\n  HostName {host.address}\n  User {host.user}\n" for host in self.hosts}
        if len(self.hosts) > 1:
            entries[self.hosts[-1].name] += "  ProxyJump lab1\n"
        included = entries.pop("lab2", "")
        folder = self.client_home / ".ssh"
        folder.joinpath("more_hosts").write_text(included, encoding="ascii")
        whole = ["Include more_hosts\n", *entries.values(), "Host *\n  IdentityFile ~/.ssh/id_ed25519\n  IdentitiesOnly yes\n"]
        folder.joinpath("config").write_text("\n".join(whole), encoding="ascii")

    def _start_desk(self) -> None:
        us = pwd.getpwuid(os.geteuid())
        accounts = Path("/etc/passwd").read_text(encoding="utf-8").splitlines()
        ours = f"{us.pw_name}:x:{us.pw_uid}:{us.pw_gid}::{self.client_home}:/bin/sh"
        others = [line for line in accounts if line.split(":")[0] != us.pw_name]
        passwd = self.folder / "desk-passwd"
        passwd.write_text("\n".join([ours, *others]) + "\n", encoding="utf-8")
        self.desk.do([*own_sys(self.folder / "desk-sys"), *no_ipv6(), bind(passwd, "/etc/passwd")])
        self.switch.plug(self.desk, "desk", DESK)

    @property
    def desk_address(self) -> str:
        """Where the others see the desk."""
        return self.switch.address(DESK)

    def desk_environment(self) -> dict[str, str]:
        """What a program on the desk should have in its environment besides what this process has."""
        return {"HOME": str(self.client_home), **{name: str(self.client_home / folder) for name, folder in _XDG.items()}}

    def command_prefix(self, *, cwd: Path | str | None = None) -> list[str]:
        """What to put before a command so that it runs on the desk. Everything in it is replaced by ``exec``: process id,
        signals, ``kill -9``, streams and exit status are the command's own. No agent of ours is handed on."""
        environment = [f"{name}={value}" for name, value in self.desk_environment().items()]
        careless = ["sh", "-c", 'umask 000; exec "$@"', "sh"]  # whatever a program does not close itself is open to everybody
        return [*self.desk.enter(), *careless, "env", "-C", str(cwd or Path.cwd()), "-u", "SSH_AUTH_SOCK", *environment]

    def write_desk_script(self) -> Path:
        """A program for people that runs its arguments on the desk, in its home."""
        prefix = shlex.join(self.command_prefix(cwd=self.client_home))
        script = self.folder / "on-desk"
        script.write_text(f'#!/bin/sh\nexec {prefix} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        return script

    def known_hosts(self, hosts: Sequence[Host] | None = None) -> None:
        """As if the user had accepted the keys of these hosts (all): without it ``~/.ssh/known_hosts`` is absent."""
        chosen = self.hosts if hosts is None else hosts
        lines = [
            f"{host.address} {(host.folder / 'etc/ssh/ssh_host_ed25519_key.pub').read_text(encoding='ascii')}"
            for host in chosen
        ]
        (self.client_home / ".ssh/known_hosts").write_text("".join(lines), encoding="ascii")

    def clean_desk(self) -> None:
        """The desk as on the first day: no known_hosts, no data of Crossply."""
        (self.client_home / ".ssh/known_hosts").unlink(missing_ok=True)
        for folder in _XDG.values():
            shutil.rmtree(self.client_home / folder, ignore_errors=True)
            (self.client_home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    # --- measuring and looking ---------------------------------------------------------------------------------------

    def delayed(self, host: Host, *, delay_ms: float, mbit: float | None = None, port: int = SSH_PORT) -> DelayRelay:
        """A relay on the switch that makes a port of a host as far away as ``delay_ms`` each way. A context manager."""
        return DelayRelay(
            to=(host.address, port),
            listen=self.switch.address(ITSELF),
            delay_ms=delay_ms,
            mbit=mbit,
            prefix=self.switch.box.enter("net"),
        )

    def watch_exposure(self, *, allowed: Sequence[int] = (SSH_PORT,)) -> ExposureWatch:
        """Notes every port but the allowed that listens where other machines reach it, on hosts and desk, all the time.
        A context manager."""
        return ExposureWatch([*self.hosts], self.desk, allowed)

    def close(self) -> None:
        """Everything ends: hosts, desk, stranger, switch, folder. May be called twice."""
        atexit.unregister(self.close)
        self._made.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
