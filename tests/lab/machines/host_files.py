"""The files that make a host of the lab a machine of its own: accounts, names, keys, sshd's settings.

Written outside, seen inside at their usual places (bind mounts). Passwords are hashed by the C library's crypt(3), which
sshd asks too; Python's own module is deprecated and Debian's ``openssl`` program need not be there.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import secrets
import subprocess
import uuid
from pathlib import Path

from tests.lab.machines.box import run

USER = "ada"
USER_HOME = f"/home/{USER}"
SSHD = "/usr/sbin/sshd"
_LAST_SYSTEM_ACCOUNT = 999
_NOBODY = 65534

_SSHD_CONFIG = """\
Port 22
ListenAddress 0.0.0.0
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
AuthorizedKeysFile /etc/ssh/lab_authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PubkeyAuthentication yes
PermitRootLogin no
AllowTcpForwarding yes
ClientAliveInterval 0
UseDNS no
Subsystem sftp internal-sftp
"""


def hash_password(password: str) -> str:
    """SHA-512 crypt of a password."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    hashed: bytes = library.crypt(password.encode(), f"$6${secrets.token_hex(8)}$".encode())
    return hashed.decode()


def make_key(path: Path, comment: str) -> None:
    """An ed25519 key pair without a passphrase at ``path`` and ``path.pub``."""
    for old in (path, path.with_name(f"{path.name}.pub")):
        old.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])


def fingerprint(public_key: Path) -> str:
    """``SHA256:...`` as OpenSSH shows it."""
    blob = base64.b64decode(public_key.read_text(encoding="ascii").split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def penalties_off() -> str:
    """OpenSSH 9.8 and later shut out an address after wrong passwords: not within one lab, where tests share it."""
    known = subprocess.run([SSHD, "-t", "-f", "/dev/null", "-o", "PerSourcePenalties=no"], capture_output=True, check=False)
    return "" if b"PerSourcePenalties" in known.stderr else "PerSourcePenalties no\n"


def write_host_files(folder: Path, *, name: str, uid: int, password_hash: str, client_key: str, more_config: str) -> None:
    """``folder/etc/...`` of one host. ``client_key``: the public key that may log in. ``more_config``: for sshd_config."""
    etc = folder / "etc"
    ssh = etc / "ssh"
    ssh.mkdir(parents=True)
    system = [line for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines() if _is_system(line)]
    accounts = [line.split(":")[0] for line in system]
    user = f"{USER}:x:{uid}:{uid}:Ada:{USER_HOME}:/bin/sh"
    files = {
        "passwd": [*system, user],
        "shadow": [*(f"{account}:*:19000:0:99999:7:::" for account in accounts), f"{USER}:{password_hash}:19000:0:99999:7:::"],
        "group": [*Path("/etc/group").read_text(encoding="utf-8").splitlines(), f"{USER}:x:{uid}:"],
        "hostname": [name],
        "hosts": ["127.0.0.1 localhost", f"127.0.1.1 {name}"],
        "machine-id": [uuid.uuid4().hex],
        "ssh/sshd_config": [_SSHD_CONFIG + more_config],
        "ssh/lab_authorized_keys": [client_key],
    }
    for file, lines in files.items():
        (etc / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (etc / "shadow").chmod(0o600)
    make_key(ssh / "ssh_host_ed25519_key", name)


def _is_system(line: str) -> bool:
    uid = int(line.split(":")[2])
    return uid <= _LAST_SYSTEM_ACCOUNT or uid == _NOBODY
