"""What ssh's configuration says about one machine: reads what ``ssh -G`` prints, and expands its ``%`` tokens.

Paramiko's own reader of ``~/.ssh/config`` was rejected: it knows no ``Include`` and trips over ``Match`` (paramiko #1044,
#2014, #2339). OpenSSH itself says what it would do. Pure text here; the program is run in ``local_ssh``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadInput
from engine.vocabulary.remote import SshTarget

DEFAULT_PORT = 22
DEFAULT_KEY_NAMES = ("id_ed25519", "id_ecdsa", "id_rsa")
_LONGEST_NAME = 255
_SPACE_BEFORE_PATH = re.compile(r"\s+(?=[/~%]|[A-Za-z]:[\\/]|none$)")
"""``ssh -G`` prints lists of paths without quotes: a space inside one is told from one between two by what follows."""
_NEVER_IN_HOST = frozenset("'`\"$\\;&<>|(){}/@")
"""What OpenSSH refuses in a host name of the command line (``valid_hostname`` in ssh.c): it would reach a ProxyCommand's
shell. ``/`` and ``@`` are ours: they separate in ids and targets."""
_NEVER_IN_USER = frozenset("'`\";&<>|(){}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """How to reach and log in to one machine. Files that are named need not exist, keys and certificates do."""

    hostname: str
    """Name or address to connect to."""
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    certificate_files: tuple[Path, ...] = ()
    agent_socket: str | None = None
    """Of ``IdentityAgent``; ``None`` = the one of the environment, ``none`` = no agent."""
    identities_only: bool = False
    jumps: tuple[str, ...] = ()
    """``[user@]host[:port]`` to go through, in order."""
    proxy_command: str | None = None
    """With its tokens expanded: a line for the user's shell."""
    known_hosts: tuple[Path, ...] = ()
    """Of the user, then of the system."""
    host_key_alias: str | None = None
    connect_timeout_seconds: float | None = None

    @property
    def name_in_known_hosts(self) -> str:
        """``host``, ``[host]:port``, or the ``HostKeyAlias``."""
        if self.host_key_alias:
            return self.host_key_alias
        host = self.hostname.lower()
        return host if self.port == DEFAULT_PORT else f"[{host}]:{self.port}"

    @property
    def text(self) -> str:
        """``ada@10.0.0.7`` or ``ada@10.0.0.7:2222``, for people."""
        port = "" if self.port == DEFAULT_PORT else f":{self.port}"
        return f"{self.user}@{self.hostname}{port}"


_SECONDS = re.compile(r"0{0,9}[1-9][0-9]{0,8}")


def checked_target(target: SshTarget) -> SshTarget:
    """The target, if ssh may be told of it. Raises ``BadInput`` for what could be taken for an option or a command."""
    host, user = target.host, target.user
    if not host or len(host) > _LONGEST_NAME or host.startswith("-") or _has_any(host, _NEVER_IN_HOST):
        raise BadInput(f"{_shown(host)} is not the name of a machine.", advice="Write host, user@host or user@host:port.")
    if user is not None and (not user or len(user) > _LONGEST_NAME or user.startswith("-") or _has_any(user, _NEVER_IN_USER)):
        raise BadInput(f"{_shown(user)} is not the name of a user.", advice="Write host, user@host or user@host:port.")
    if target.port is not None and not 0 < target.port < 2**16:
        raise BadInput(f"{target.port} is not a port.", advice="Ports are 1 to 65535.")
    return target


def _has_any(text: str, never: frozenset[str]) -> bool:
    return any(character in never or character.isspace() or not character.isprintable() for character in text)


def _shown(text: str) -> str:
    return repr(text[:64])


def parse_jump(text: str) -> SshTarget:
    """``[user@]host[:port]`` or ``ssh://...`` of a ``ProxyJump``. Raises ``BadInput``."""
    rest = text.strip().removeprefix("ssh://").rstrip("/")
    user, at, place = rest.rpartition("@")
    match = re.fullmatch(r"\[(?P<v6>[^\]]+)\](?::(?P<p6>\d{1,5}))?|(?P<host>[^:]+)(?::(?P<port>\d{1,5}))?|(?P<bare>.*)", place)
    found = match.groupdict() if match else {}
    port = found.get("p6") or found.get("port")
    host = found.get("v6") or found.get("host") or found.get("bare") or ""
    return checked_target(SshTarget(host=host, user=user if at else None, port=int(port) if port else None))


def parse_ssh_g(text: str, *, typed_host: str, home: Path, local_user: str) -> SshOptions:
    """From what ``ssh -G`` printed. Raises ``BadInput`` when it is not that."""
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        said.setdefault(key.lower(), []).append(value.strip())
    try:
        hostname, port, user = said["hostname"][0], int(said["port"][0]), said["user"][0]
    except (KeyError, ValueError):
        raise BadInput(
            f"The program ssh did not say how to reach {_shown(typed_host)}.", advice="Try `ssh -G` in a terminal."
        ) from None
    checked_target(SshTarget(host=hostname, user=user, port=port))
    tokens = {"%": "%", "d": str(home), "h": hostname, "n": typed_host, "p": str(port), "r": user, "u": local_user}
    tokens["k"] = _first(said, "hostkeyalias") or hostname

    def files(key: str) -> tuple[Path, ...]:
        return tuple(_path(value, tokens, home) for value in said.get(key, ()) if value.lower() != "none")

    def file_list(key: str) -> tuple[Path, ...]:
        return tuple(
            _path(word, tokens, home)
            for value in said.get(key, ())
            for word in _SPACE_BEFORE_PATH.split(value)
            if word != "none"
        )

    command = _first(said, "proxycommand")
    agent = _first(said, "identityagent", none_is_nothing=False)
    timeout = _first(said, "connecttimeout")
    return SshOptions(
        hostname=hostname,
        port=port,
        user=user,
        identity_files=tuple(path for path in files("identityfile") if _is_key(path)),
        certificate_files=tuple(path for path in files("certificatefile") if _is_file(path)),
        agent_socket=_agent_socket(agent, tokens, home),
        identities_only=_first(said, "identitiesonly") == "yes",
        jumps=tuple((_first(said, "proxyjump") or "").split(",")) if _first(said, "proxyjump") else (),
        proxy_command=expand_tokens(command, tokens) if command else None,
        known_hosts=(*file_list("userknownhostsfile"), *file_list("globalknownhostsfile")),
        host_key_alias=_first(said, "hostkeyalias"),
        connect_timeout_seconds=float(timeout) if timeout and _SECONDS.fullmatch(timeout) else None,
    )


def default_options(target: SshTarget, *, home: Path, local_user: str) -> SshOptions:
    """Where there is no ``ssh`` program to ask: the target itself, the usual keys."""
    folder = home / ".ssh"
    return SshOptions(
        hostname=target.host,
        port=target.port or DEFAULT_PORT,
        user=target.user or local_user,
        identity_files=tuple(folder / name for name in DEFAULT_KEY_NAMES if (folder / name).is_file()),
        known_hosts=(folder / "known_hosts", folder / "known_hosts2", Path("/etc/ssh/ssh_known_hosts")),
    )


def expand_tokens(text: str, tokens: dict[str, str]) -> str:
    """``%h`` and the like (TOKENS in ssh_config(5)). One that is not known stays as it is."""
    return re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)


def _first(said: dict[str, list[str]], key: str, *, none_is_nothing: bool = True) -> str | None:
    value = said.get(key, [""])[0]
    return None if not value or (none_is_nothing and value.lower() == "none") else value


def _is_key(path: Path) -> bool:
    """A private key, or the public half of one that is in an agent."""
    return _is_file(path) or (path.name != "" and _is_file(path.with_name(f"{path.name}.pub")))


def _is_file(path: Path) -> bool:
    """A name that is far too long is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _path(value: str, tokens: dict[str, str], home: Path) -> Path:
    text = expand_tokens(value.strip('"'), tokens)
    return home / text[2:] if text.startswith("~/") else Path(text)


def _agent_socket(value: str | None, tokens: dict[str, str], home: Path) -> str | None:
    """``SSH_AUTH_SOCK`` (the environment's own), ``none``, ``$NAME`` of the environment, or a path."""
    if value is None or value == "SSH_AUTH_SOCK":
        return None
    if value == "none" or value.startswith("$"):
        return value
    return str(_path(value, tokens, home))
