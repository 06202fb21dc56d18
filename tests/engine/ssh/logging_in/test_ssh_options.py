"""What ``ssh -G`` says, expanded; and what may never reach ssh or a shell."""

from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.ssh.logging_in.ssh_options import (
    SshOptions,
    checked_target,
    default_options,
    expand_tokens,
    parse_jump,
    parse_ssh_g,
)
from engine.vocabulary.remote import SshTarget

BARE = "hostname gpu.lab\nport 22\nuser ada\n"


def parsed(text, home=Path("/nowhere")):
    return parse_ssh_g(BARE + text, typed_host="gpu", home=home, local_user="me")


@pytest.mark.parametrize(
    "host", ["-oProxyCommand=x", "", "a b", "a\nb", "a;b", "$(x)", "a`b", "u@h", "a/b", "x" * 256, "a\x7f", "a'b", 'a"b']
)
def test_hosts_that_ssh_or_a_shell_could_misread_are_refused(host):
    with pytest.raises(BadInput, match="is not the name of a machine"):
        checked_target(SshTarget(host=host))


@pytest.mark.parametrize("user", ["-l", "", "a b", "a;b", "`a`", "a\nb"])
def test_users_that_could_be_misread_are_refused(user):
    with pytest.raises(BadInput, match="is not the name of a user"):
        checked_target(SshTarget(host="h", user=user))


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_are_ports(port):
    with pytest.raises(BadInput, match="is not a port"):
        checked_target(SshTarget(host="h", port=port))


@pytest.mark.parametrize("host", ["gpu-node", "10.0.0.7", "fe80::1%eth0", "a.b_c", "größe"])
def test_ordinary_names_and_addresses_pass(host):
    assert checked_target(SshTarget(host=host, user="ada.l", port=22)).host == host


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("jump", SshTarget(host="jump")),
        ("ada@jump:2222", SshTarget(host="jump", user="ada", port=2222)),
        (" jump:22", SshTarget(host="jump", port=22)),
        ("ssh://ada@jump:22/", SshTarget(host="jump", user="ada", port=22)),
        ("[fe80::1]:22", SshTarget(host="fe80::1", port=22)),
        ("fe80::1", SshTarget(host="fe80::1")),
    ],
)
def test_jumps_in_all_spellings(text, target):
    assert parse_jump(text) == target


@pytest.mark.parametrize("text", ["", "-oX", "@", "ada@", "a b"])
def test_jumps_that_are_none(text):
    with pytest.raises(BadInput):
        parse_jump(text)


def test_keys_and_certificates_that_exist_are_taken_and_tokens_expanded(tmp_path):
    folder = tmp_path / ".ssh"
    folder.mkdir()
    for name in ("id_gpu.lab", "only.pub", "x-cert.pub"):
        (folder / name).touch()
    text = "identityfile ~/.ssh/id_%h\nidentityfile ~/.ssh/only\nidentityfile ~/.ssh/none\n"
    options = parsed(text + "certificatefile %d/.ssh/x-cert.pub\ncertificatefile ~/.ssh/y-cert.pub\n", tmp_path)
    assert options.identity_files == (folder / "id_gpu.lab", folder / "only")
    assert options.certificate_files == (folder / "x-cert.pub",)


def test_everything_else(tmp_path):
    options = parsed(
        "identitiesonly yes\nproxyjump a,ada@b:22\nuserknownhostsfile ~/k1 /k2\nglobalknownhostsfile /g\n"
        "hostkeyalias alias\nconnecttimeout 3\nidentityagent ~/agent.%u\n",
        tmp_path,
    )
    assert options == SshOptions(
        hostname="gpu.lab",
        port=22,
        user="ada",
        identities_only=True,
        jumps=("a", "ada@b:22"),
        known_hosts=(tmp_path / "k1", Path("/k2"), Path("/g")),
        host_key_alias="alias",
        connect_timeout_seconds=3.0,
        agent_socket=f"{tmp_path}/agent.me",
    )


def test_files_with_spaces_in_a_list_of_files():
    options = parsed("userknownhostsfile /home/ada l/k1 ~/k 2 C:/Users/x y\n", Path("/h"))
    assert options.known_hosts == (Path("/home/ada l/k1"), Path("/h/k 2"), Path("C:/Users/x y"))


def test_none_means_none():
    options = parsed("proxyjump none\nproxycommand none\nhostkeyalias none\nconnecttimeout none\nuserknownhostsfile none\n")
    assert options == SshOptions(hostname="gpu.lab", port=22, user="ada")


@pytest.mark.parametrize(("said", "meant"), [("none", "none"), ("SSH_AUTH_SOCK", None), ("$MINE", "$MINE")])
def test_agents(said, meant):
    assert parsed(f"identityagent {said}\n").agent_socket == meant


def test_a_proxy_command_is_expanded_and_an_unknown_token_left():
    assert parsed("proxycommand nc -X %h %p %n %r %% %Z\n").proxy_command == "nc -X gpu.lab 22 gpu ada % %Z"
    assert expand_tokens("100%", {}) == "100%"


@pytest.mark.parametrize("text", ["", "hostname x\nport y\nuser z\n", "hostname x\nuser z\n"])
def test_other_output_is_an_error(text):
    with pytest.raises(BadInput, match="did not say how to reach 'gpu'"):
        parse_ssh_g(text, typed_host="gpu", home=Path("/"), local_user="me")


def test_a_host_name_of_the_configuration_is_checked_too():
    with pytest.raises(BadInput, match="is not the name of a machine"):
        parse_ssh_g("hostname -oProxyCommand=x\nport 22\nuser ada\n", typed_host="gpu", home=Path("/"), local_user="me")


def test_names_in_known_hosts():
    assert SshOptions(hostname="GPU.lab", port=22, user="a").name_in_known_hosts == "gpu.lab"
    assert SshOptions(hostname="gpu", port=2222, user="a").name_in_known_hosts == "[gpu]:2222"
    assert SshOptions(hostname="gpu", port=2222, user="a", host_key_alias="Lab").name_in_known_hosts == "Lab"
    assert SshOptions(hostname="gpu", port=2222, user="a").text == "a@gpu:2222"


def test_without_ssh_the_target_itself_and_the_usual_keys(tmp_path):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_rsa").touch()
    options = default_options(SshTarget(host="gpu"), home=tmp_path, local_user="me")
    assert (options.hostname, options.port, options.user) == ("gpu", 22, "me")
    assert options.identity_files == (tmp_path / ".ssh/id_rsa",)
    assert tmp_path / ".ssh/known_hosts" in options.known_hosts
