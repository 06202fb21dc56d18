"""``user@host:port`` as a person types it, and what is refused because a program would misread it."""

import pytest

from engine.errors import BadInput
from engine.settings.ssh_target import checked_target, parse_target
from engine.vocabulary.remote import SshTarget


@pytest.mark.parametrize(
    ("text", "host", "user", "port"),
    [
        ("gpu-node", "gpu-node", None, None),
        ("  ada@gpu-node  ", "gpu-node", "ada", None),
        ("ada@10.0.0.7:2222", "10.0.0.7", "ada", 2222),
        ("ada@corp@gpu-node", "gpu-node", "ada@corp", None),
        ("lab\\ada@gpu-node", "gpu-node", "lab\\ada", None),
        ("gpu-node:22", "gpu-node", None, 22),
        ("ada@[fe80::1%eth0]:22", "fe80::1%eth0", "ada", 22),
        ("[::1]", "::1", None, None),
        ("ada@fe80::1", "fe80::1", "ada", None),
        ("größe.local", "größe.local", None, None),
    ],
)
def test_what_is_understood(text, host, user, port):
    target = parse_target(text)
    assert target == SshTarget(host=host, user=user, port=port)
    assert parse_target(target.text) == target
    assert checked_target(target) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@host",
        "ada@",
        "-oProxyCommand=id",
        "ada@-oProxyCommand=id",
        "-l@host",
        "ada@ho st",
        "ada b@host",
        "ada@ho\nst",
        "ho\x00st",
        "this-machine",
        "ho\x1b[31mst",
        "host\u202e",
        "ada@$(id)",
        "ada@`id`",
        "a;b@host",
        "ssh://host",
        "host/path",
        "a,b",
        "host:",
        "host:0",
        "host:65536",
        "host:22x",
        "host:-1",
        "host:²",
        "host:000000022",
        "[::1",
        "[::1]22",
        "[::1]:",
        "[host]:22",
        "x" * 256,
    ],
)
def test_what_is_refused(text):
    with pytest.raises(BadInput) as caught:
        parse_target(text)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [SshTarget(host="-x"), SshTarget(host="h", user="-l"), SshTarget(host="h", port=0), SshTarget(host="h", port=65536)],
)
def test_what_a_file_says_is_held_to_the_same_rules(target):
    with pytest.raises(BadInput):
        checked_target(target)
