"""Only machines of the administrator's list are logged in to, by the name that ssh's configuration leads to."""

from pathlib import Path

import pytest

from engine.errors import LoginRefused
from engine.ssh.logging_in.allowed_hosts import check_allowed
from engine.ssh.logging_in.login import SshLogin
from engine.ssh.logging_in.route import Stop
from engine.ssh.logging_in.ssh_options import SshOptions
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.remote import SshTarget
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.ssh.private_sshd import private_sshd
from tests.fakes.ssh.ssh_accounts import an_account

POLICY = AdminPolicy(path="/etc/policy.toml", allowed_hosts=("gpu-node", "127.0.0.0/8"))


def stop(typed, leads_to):
    options = SshOptions(hostname=leads_to, port=22, user="ada")
    return Stop(target=SshTarget(host=typed), options=options, name=typed)


def test_a_name_of_the_list():
    check_allowed(POLICY, stop("gpu", "gpu-node"))


def test_a_name_that_leads_into_an_allowed_network():
    check_allowed(POLICY, stop("localhost", "localhost"))


def test_an_alias_counts_as_what_it_leads_to():
    with pytest.raises(LoginRefused, match=r"gpu-node \(192.0.2.1\).*/etc/policy.toml"):
        check_allowed(POLICY, stop("gpu-node", "192.0.2.1"))


def test_no_list_asks_no_name_server(monkeypatch):
    monkeypatch.setattr("engine.ssh.logging_in.allowed_hosts.socket.getaddrinfo", None)
    check_allowed(AdminPolicy(), stop("anything", "anything"))


def test_a_real_login_is_refused_before_anything_is_connected(tmp_path):
    account = an_account(tmp_path / "person")
    with private_sshd(tmp_path / "sshd") as sshd:
        target = account.add_host("lab", sshd)
        policy = AdminPolicy(path="/etc/policy.toml", allowed_hosts=("elsewhere",))
        login = SshLogin(Path(tmp_path / "known_hosts"), ssh=account.ssh, policy=policy)
        with pytest.raises(LoginRefused, match="not among the machines"):
            login.connect(target, (), NeverCancelled())
