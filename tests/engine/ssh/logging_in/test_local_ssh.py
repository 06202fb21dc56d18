"""The real ssh is asked: includes, matches, options of the command line, its refusals; and ProxyCommands."""

import time

import pytest

from engine.errors import BadInput
from engine.ssh.logging_in import local_ssh
from engine.ssh.logging_in.local_ssh import LocalSsh, ProxyProcess
from engine.vocabulary.remote import SshTarget
from tests.fakes.ssh.ssh_accounts import an_account

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def account(tmp_path):
    return an_account(tmp_path / "person")


def test_matches_and_includes_are_followed(account):
    more = account.home / "more"
    more.write_text("Host gpu\nHostName 10.0.0.7\nMatch host 10.0.0.7\nUser ada\n")
    account.config.write_text(f"Include {more}\nHost *\nPort 2222\n")
    options = account.ssh.options(SshTarget(host="gpu"))
    assert (options.hostname, options.port, options.user) == ("10.0.0.7", 2222, "ada")


def test_what_is_typed_goes_before_the_configuration(account):
    account.config.write_text("Host *\nUser ada\nPort 2222\n")
    options = account.ssh.options(SshTarget(host="gpu", user="bob", port=22))
    assert (options.user, options.port) == ("bob", 22)


def test_a_line_that_ssh_refuses_is_named(account):
    account.config.write_text("Host gpu\nPrt 22\n")
    with pytest.raises(BadInput, match=rf"for gpu: {account.config}: line 2: Bad configuration option: prt\. Mend that line"):
        account.ssh.options(SshTarget(host="gpu"))


@pytest.mark.parametrize("host", ["-V", "-oProxyCommand=touch x", "a b"])
def test_nothing_is_asked_about_a_name_that_is_none(account, host):
    account.config.write_text("broken\n")
    with pytest.raises(BadInput, match="is not the name of a machine"):
        account.ssh.options(SshTarget(host=host))


def test_a_configuration_that_hangs_is_given_up(account, monkeypatch):
    monkeypatch.setattr(local_ssh, "_ASK_SECONDS", 0.3)
    account.config.write_text('Match exec "sleep 30 | sleep 30"\n')
    started = time.monotonic()
    with pytest.raises(BadInput, match="was not read within"):
        account.ssh.options(SshTarget(host="gpu"))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("program", [None, "no-such-ssh"])
def test_without_ssh_the_target_itself(tmp_path, program):
    ssh = LocalSsh(home=tmp_path, local_user="me", program=program, environment=ENVIRONMENT)
    options = ssh.options(SshTarget(host="gpu", port=2222))
    assert (options.hostname, options.port, options.user) == ("gpu", 2222, "me")


def test_a_proxy_command_is_a_stream_and_ends_with_it():
    proxy = ProxyProcess("cat", ENVIRONMENT)
    proxy.settimeout(10)
    assert proxy.send(b"abc") == 3
    assert proxy.recv(10) == b"abc"
    proxy.close()
    proxy.close()
    assert proxy._process.returncode is not None


def test_a_proxy_command_that_has_ended_is_an_end_of_file():
    proxy = ProxyProcess("true", ENVIRONMENT)
    proxy.settimeout(10)
    assert proxy.recv(10) == b""
    proxy.close()


def test_what_a_proxy_command_started_ends_too(tmp_path):
    proxy = ProxyProcess(f"sh -c 'trap \"\" TERM HUP; echo $$ > {tmp_path}/pid; sleep 30; true'", ENVIRONMENT)
    deadline = time.monotonic() + 10
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    proxy.close()  # the autouse fixture of the suite sees what is left behind
    assert proxy._process.poll() is not None
