"""The command line of OpenSSH that carries ports: ``ssh -N -L``, in a process of its own. Pure text.

It reads no configuration (``-F none``); what the configuration says of the machine was resolved before, for the control
connection (``ssh_options``), and is passed on, so both go the same way, with the same keys, to a server with a known key. With
the user's own file in force: ``LocalForward`` and ``RemoteForward`` lines would be opened a second time (and fail, with
``ExitOnForwardFailure``, when another ssh has them), ``ClearAllForwardings`` clears ours too, ``ControlMaster`` hands our
forwards to another process and ends, and ``ForkAfterAuthentication`` leaves the process group, and so the leash.

``ProxyJump`` is written out as a ``ProxyCommand`` of the same kind: ``-J`` does not pass our options, such as known_hosts, on
to the jump.

The cipher: aes128-gcm is the fastest on processors with AES instructions; the rest of OpenSSH's own list follows, for servers
without it. Written out, because ``^`` came with OpenSSH 8.1 and Red Hat 8 has 8.0. POSIX: Windows' ssh quotes a
``ProxyCommand`` in another way (untested).
"""

from __future__ import annotations

import shlex
from pathlib import Path

from engine.ssh.logging_in.route import Stop
from engine.vocabulary.remote import Forward

_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
_ALIVE_SECONDS = 2
"""With three unanswered: gone after 6 to 8 s, so a machine that fell silent is named within 10 s."""
_CONNECT_SECONDS = 10
_LOOPBACK = "127.0.0.1"


def tunnel_command(
    stops: tuple[Stop, ...], forwards: tuple[Forward, ...], our_known_hosts: Path, *, program: str = "ssh"
) -> tuple[str, ...]:
    """For the way ``stops`` (the last is the machine). It asks nothing, and ends when a port is taken or the link is dead."""
    argv = [program, "-N", "-T", "-o", "ExitOnForwardFailure=yes"]
    for forward in forwards:
        argv += ["-L", f"{_LOOPBACK}:{forward.local_port}:{_LOOPBACK}:{forward.remote_port}"]
    return (*argv, *_to_the_last(stops, our_known_hosts, program))


def check_command(stops: tuple[Stop, ...], our_known_hosts: Path, *, program: str = "ssh") -> tuple[str, ...]:
    """Ends with 255 if ssh cannot get there without asking, else with another status."""
    return (program, "-T", *_to_the_last(stops, our_known_hosts, program), "exit 0")


def _to_the_last(stops: tuple[Stop, ...], our_known_hosts: Path, program: str) -> list[str]:
    options = stops[-1].options
    argv = _options_of(stops[-1], our_known_hosts)
    if len(stops) > 1:
        there = f"[{options.hostname}]:{options.port}" if ":" in options.hostname else f"{options.hostname}:{options.port}"
        jump = [program, "-T", "-W", there, *_to_the_last(stops[:-1], our_known_hosts, program)]
        argv += ["-o", f"ProxyCommand={_plain(shlex.join(jump))}"]
    elif options.proxy_command:
        argv += ["-o", f"ProxyCommand={_plain(options.proxy_command)}"]
    return [*argv, "-l", options.user, "-p", str(options.port), "--", options.hostname]


def _options_of(stop: Stop, our_known_hosts: Path) -> list[str]:
    options = stop.options
    settings = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": " ".join(_quoted(path) for path in (*options.known_hosts, our_known_hosts)),
        "GlobalKnownHostsFile": "none",
        "UpdateHostKeys": "no",  # else it writes to the user's own file
        "Ciphers": _CIPHERS,
        "ServerAliveInterval": str(_ALIVE_SECONDS),
        "ServerAliveCountMax": "3",
        "ConnectTimeout": f"{options.connect_timeout_seconds or _CONNECT_SECONDS:.0f}",
        "LogLevel": "ERROR",
    }
    if options.host_key_alias:
        settings["HostKeyAlias"] = options.host_key_alias
    if options.agent_socket:
        settings["IdentityAgent"] = _quoted(options.agent_socket)
    if options.identities_only:
        settings["IdentitiesOnly"] = "yes"
    pairs = list(settings.items())
    pairs += [("IdentityFile", _quoted(path)) for path in options.identity_files]
    pairs += [("CertificateFile", _quoted(path)) for path in options.certificate_files]
    return ["-F", "none", *(word for name, value in pairs for word in ("-o", f"{name}={value}"))]


def _plain(text: str) -> str:
    """For a value in which ssh replaces ``%`` tokens."""
    return text.replace("%", "%%")


def _quoted(path: Path | str) -> str:
    """For a value that ssh splits at spaces."""
    text = _plain(str(path))
    return f'"{text}"' if any(character.isspace() for character in text) else text
