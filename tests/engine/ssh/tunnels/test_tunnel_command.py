from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

from engine.ssh.logging_in.route import Stop
from engine.ssh.logging_in.ssh_options import SshOptions
from engine.ssh.tunnels.tunnel_command import check_command, tunnel_command
from engine.vocabulary.remote import Forward, SshTarget

OURS = Path("/home/ada/our hosts")
FORWARDS = (Forward(local_port=5001, remote_port=50052), Forward(local_port=5002, remote_port=50053))


def stop(host: str, **more: object) -> Stop:
    options = SshOptions(**{"hostname": host, "port": 22, "user": "ada", "known_hosts": (Path("/k1"),), **more})
    return Stop(target=SshTarget(host=host), options=options, name=host)


def settings(argv: tuple[str, ...] | list[str]) -> list[str]:
    return [after for before, after in pairwise(argv) if before == "-o"]


def test_ports_are_bound_and_led_to_loopback_only() -> None:
    argv = tunnel_command((stop("node"),), FORWARDS, OURS)
    forwards = [after for before, after in pairwise(argv) if before == "-L"]
    assert forwards == ["127.0.0.1:5001:127.0.0.1:50052", "127.0.0.1:5002:127.0.0.1:50053"]
    assert argv[-5:] == ("ada", "-p", "22", "--", "node")
    assert argv[argv.index("-F") + 1] == "none"


def test_keys_of_servers_must_be_known_to_the_user_or_to_us() -> None:
    argv = tunnel_command((stop("node"),), FORWARDS, OURS)
    assert {"StrictHostKeyChecking=yes", 'UserKnownHostsFile=/k1 "/home/ada/our hosts"', "BatchMode=yes"} <= set(
        settings(argv)
    )


def test_what_the_configuration_says_of_logging_in_is_passed_on() -> None:
    node = stop(
        "node",
        port=2222,
        identity_files=(Path("/keys/100%"),),
        certificate_files=(Path("/c ert"),),
        agent_socket="/run/agent",
        identities_only=True,
        host_key_alias="alias",
        connect_timeout_seconds=3.0,
    )
    assert {
        "IdentityFile=/keys/100%%",
        'CertificateFile="/c ert"',
        "IdentityAgent=/run/agent",
        "IdentitiesOnly=yes",
        "HostKeyAlias=alias",
        "ConnectTimeout=3",
    } <= set(settings(tunnel_command((node,), FORWARDS, OURS)))


def test_a_jump_has_the_same_rules() -> None:
    argv = tunnel_command((stop("gate", identity_files=(Path("/100%"),)), stop("fe80::1", port=2222)), FORWARDS, OURS)
    [proxy] = [setting for setting in settings(argv) if setting.startswith("ProxyCommand=")]
    jump = shlex.split(proxy.removeprefix("ProxyCommand=").replace("%%", "%"))
    assert jump[jump.index("-W") + 1] == "[fe80::1]:2222"
    assert jump[-1] == "gate"
    assert "-L" not in jump
    assert {"StrictHostKeyChecking=yes", "IdentityFile=/100%%", "BatchMode=yes"} <= set(settings(jump))


def test_a_proxy_command_is_taken_over_as_it_was_expanded() -> None:
    argv = tunnel_command((stop("node", proxy_command="nc 100% node 22"),), FORWARDS, OURS)
    assert "ProxyCommand=nc 100%% node 22" in settings(argv)


def test_the_check_opens_no_port() -> None:
    argv = check_command((stop("node"),), OURS)
    assert "-L" not in argv
    assert argv[-2:] == ("node", "exit 0")
