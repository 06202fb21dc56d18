"""Logging in to real sshds: keys, host keys, jumps, questions, refusals, deadlines."""

import socket
import subprocess
import threading
import time

import pytest

from engine.errors import (
    BadInput,
    Cancelled,
    HostKeyChanged,
    HostKeyUnknown,
    LoginRefused,
    MachineUnreachable,
    SecretNeeded,
)
from engine.remote_ports import Secret
from engine.vocabulary.remote import SecretKind, SshTarget
from tests.fakes.cancel_tokens import CancelledWhen
from tests.fakes.ssh.asking_sshd import AskingSshd, asking_sshd
from tests.fakes.ssh.private_sshd import free_port, new_key, private_sshd
from tests.fakes.ssh.ssh_accounts import an_account


@pytest.fixture
def account(tmp_path):
    return an_account(tmp_path / "person")


@pytest.fixture
def sshd(tmp_path):
    with private_sshd(tmp_path / "sshd") as running:
        yield running


def said(shell, command="echo here"):
    return shell.run(command, timeout_seconds=10).stdout


def passphrase(value, **more):
    return Secret(kind=SecretKind.PASSPHRASE, value=value, **more)


def password(value, **more):
    return Secret(kind=SecretKind.PASSWORD, value=value, **more)


def test_an_unknown_host_key_is_a_question_and_then_kept_in_our_file_only(account, sshd):
    target = account.add_host("lab", sshd)
    with pytest.raises(HostKeyUnknown) as caught:
        account.connect(target)
    key = caught.value.key
    assert f"{key.key_type} {key.key_base64}" == sshd.host_key
    printed = subprocess.run(["ssh-keygen", "-lf", sshd.folder / "host_key"], capture_output=True, text=True, check=True)
    assert key.fingerprint == printed.stdout.split()[1]
    account.login.accept_host_key(key)
    shell = account.connect(target)
    assert said(shell) == b"here\n"
    assert (shell.target, shell.host_key) == (target, key)
    shell.close()
    assert not account.known_hosts.exists()
    assert account.our_known_hosts.read_text() == f"{sshd.known_hosts_line}\n"


def test_a_key_that_ssh_knows_needs_no_question(account, sshd):
    account.know(sshd)
    account.connect(account.add_host("lab", sshd)).close()


def test_another_machine_under_a_known_name_is_refused(account, sshd, tmp_path):
    target = account.add_host("lab", sshd)
    other = (new_key(tmp_path / "other").with_suffix(".pub")).read_text().split()[1]
    account.known_hosts.write_text(f"[{sshd.address}]:{sshd.port} ssh-ed25519 {other}\n")
    with pytest.raises(HostKeyChanged, match="line 1") as caught:
        account.connect(target)
    assert str(caught.value).count("SHA256:") == 2
    assert "Accepted" not in sshd.log


def test_the_type_of_key_that_is_known_is_asked_for_first(account, tmp_path):
    rsa = new_key(tmp_path / "rsa", key_type="rsa")
    with private_sshd(tmp_path / "two", extra=[f"HostKey {rsa}"]) as sshd:
        line = (tmp_path / "rsa.pub").read_text()
        account.known_hosts.write_text(f"[{sshd.address}]:{sshd.port} {line}")
        shell = account.connect(account.add_host("lab", sshd))
        assert shell.host_key.key_type == "ssh-rsa"
        shell.close()


def test_a_host_key_alias_is_the_name_in_known_hosts(account, sshd):
    account.known_hosts.write_text(f"the-lab {sshd.host_key}\n")
    shell = account.connect(account.add_host("lab", sshd, "HostKeyAlias the-lab"))
    assert shell.host_key.host == "the-lab"
    shell.close()


def test_an_encrypted_key_asks_for_its_passphrase_until_it_is_right(account, sshd, tmp_path):
    key = new_key(tmp_path / "locked", passphrase="secret words")
    sshd.authorized_keys.write_text((tmp_path / "locked.pub").read_text())
    account.know(sshd)
    target = account.add_host("lab", sshd, key=key)
    with pytest.raises(SecretNeeded) as caught:
        account.connect(target)
    question = caught.value.question
    assert (question.kind, question.wrong_before) == (SecretKind.PASSPHRASE, False)
    assert str(key) in question.prompt
    with pytest.raises(SecretNeeded) as caught:
        account.connect(target, passphrase("wrong"))
    assert caught.value.question.wrong_before
    assert caught.value.question.prompt == question.prompt
    account.connect(target, passphrase("wrong"), passphrase("secret words", prompt=question.prompt)).close()


def test_three_wrong_passphrases_are_a_refusal_and_counting_begins_anew(account, sshd, tmp_path):
    account.know(sshd)
    target = account.add_host("lab", sshd, key=new_key(tmp_path / "locked", passphrase="secret words"))
    for expected in (SecretNeeded, SecretNeeded, LoginRefused, SecretNeeded):
        with pytest.raises(expected):
            account.connect(target, passphrase("wrong"))


def test_an_unknown_user_is_refused_and_the_methods_are_named(account, sshd):
    account.know(sshd)
    account.add_host("lab", sshd)
    with pytest.raises(LoginRefused, match=r"lab does not let nobody-here in: our key is not accepted\. It takes: publickey"):
        account.connect(SshTarget(host="lab", user="nobody-here"))


def test_a_certificate_is_shown(account, sshd, tmp_path):
    authority, key = new_key(tmp_path / "ca"), new_key(tmp_path / "signed")
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "x", "-n", sshd.user, tmp_path / "signed.pub"], check=True)
    sshd.authorized_keys.write_text(f"cert-authority {(tmp_path / 'ca.pub').read_text()}")
    account.know(sshd)
    shell = account.connect(account.add_host("lab", sshd, key=key))
    assert "Accepted certificate" in sshd.log or "ED25519-CERT" in sshd.log
    shell.close()


@pytest.fixture
def agent(tmp_path):
    path = tmp_path / "agent.socket"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    yield path
    process.terminate()
    process.wait(timeout=10)


def add_to(agent, key):
    subprocess.run(["ssh-add", "-q", key], env={"SSH_AUTH_SOCK": str(agent)}, check=True, stdin=subprocess.DEVNULL)


def test_an_agent_of_the_environment_and_of_identity_agent(sshd, agent, tmp_path):
    add_to(agent, sshd.client_key)
    for name, environment, line in (
        ("one", {"SSH_AUTH_SOCK": str(agent)}, "IdentitiesOnly no"),
        ("two", {}, f"IdentityAgent {agent}"),
        ("three", {"MINE": str(agent)}, "IdentityAgent $MINE"),
    ):
        account = an_account(tmp_path / name, environment=environment)
        account.know(sshd)
        account.connect(account.add_host("lab", sshd, line, key=tmp_path / "missing")).close()


def test_identities_only_leaves_the_agents_other_keys_alone(sshd, agent, tmp_path):
    add_to(agent, sshd.client_key)
    account = an_account(tmp_path / "one", environment={"SSH_AUTH_SOCK": str(agent)})
    account.know(sshd)
    other = new_key(tmp_path / "other")
    with pytest.raises(LoginRefused, match="our key is not accepted"):
        account.connect(account.add_host("strict", sshd, "IdentitiesOnly yes", key=other))
    public_only = tmp_path / "public.pub"
    public_only.write_bytes(sshd.client_key.with_suffix(".pub").read_bytes())
    account.connect(account.add_host("public", sshd, "IdentitiesOnly yes", key=public_only)).close()


def test_no_agent_when_identity_agent_is_none(sshd, agent, tmp_path):
    add_to(agent, sshd.client_key)
    account = an_account(tmp_path / "one", environment={"SSH_AUTH_SOCK": str(agent)})
    account.know(sshd)
    with pytest.raises(LoginRefused, match="we have no key to show"):
        account.connect(account.add_host("lab", sshd, "IdentityAgent none", key=tmp_path / "missing"))


# passwords and codes


def asked(account, wants, *secrets):
    return account.connect_anyway(SshTarget(host="127.0.0.1", user="ada", port=wants.port), *secrets)


def test_a_password_is_asked_for_and_never_shown(account):
    with asking_sshd(AskingSshd()) as wants:
        with pytest.raises(SecretNeeded) as caught:
            asked(account, wants)
        assert caught.value.question.kind == SecretKind.PASSWORD
        assert caught.value.question.prompt == f"Password of ada on 127.0.0.1:{wants.port}"
        for _ in range(2):
            with pytest.raises(SecretNeeded) as caught:
                asked(account, wants, password("hunter2"))
            assert caught.value.question.wrong_before
            assert "hunter2" not in f"{caught.value!r} {caught.value} {password('hunter2')!r}"
        with pytest.raises(LoginRefused, match="It takes: password"):
            asked(account, wants, password("hunter2"))
        asked(account, wants, password("hunter2"), password("right")).close()
        assert wants.told == ["hunter2"] * 3 + ["right"]


def test_a_password_and_a_code_are_asked_for_one_after_the_other(account):
    with asking_sshd(AskingSshd(methods="keyboard-interactive", code="123456")) as wants:
        with pytest.raises(SecretNeeded) as caught:
            asked(account, wants)
        assert caught.value.question.kind == SecretKind.PASSWORD
        with pytest.raises(SecretNeeded) as caught:
            asked(account, wants, password("right"))
        assert caught.value.question.kind == SecretKind.ONE_TIME_CODE
        assert caught.value.question.prompt.startswith("Verification code of ada")
        assert wants.told == [], "nothing is sent before all is known"
        code = Secret(kind=SecretKind.ONE_TIME_CODE, value="123456", remember=True)
        asked(account, wants, password("right"), code).close()
        assert account.store.find(caught.value.question.prompt) is None, "a code is good once"


def test_a_secret_is_kept_when_it_should_be_and_only_after_it_worked(account):
    with asking_sshd(AskingSshd()) as wants:
        prompt = f"Password of ada on 127.0.0.1:{wants.port}"
        with pytest.raises(SecretNeeded):
            asked(account, wants, password("wrong", remember=True))
        assert account.store.find(prompt) is None
        asked(account, wants, password("right")).close()
        assert account.store.find(prompt) is None
        asked(account, wants, password("right", remember=True)).close()
        assert account.store.find(prompt) == "right"
        asked(account, wants).close()


def test_a_secret_for_another_question_is_not_sent(account):
    with asking_sshd(AskingSshd()) as wants:
        with pytest.raises(SecretNeeded) as caught:
            asked(account, wants, password("right", prompt="Password of ada on jump"))
        assert not caught.value.question.wrong_before
        assert wants.told == []


def test_a_key_and_then_a_password(account, tmp_path):
    from engine.ssh.logging_in.authenticate import public_blob_of

    key = new_key(tmp_path / "key")
    account.add_lines(f"Match all\nIdentityFile {key}")
    wants = AskingSshd(methods="publickey", authorized=public_blob_of(key), then="password")
    with asking_sshd(wants):
        with pytest.raises(SecretNeeded):
            asked(account, wants)
        asked(account, wants, password("right")).close()


def test_a_server_that_hangs_up_is_a_refusal(account):
    with asking_sshd(AskingSshd(hangs_up_after=1)) as wants, pytest.raises(LoginRefused):
        asked(account, wants, password("wrong"))


def test_a_real_sshd_takes_no_wrong_password(account, tmp_path):
    with private_sshd(tmp_path / "asks", passwords=True) as sshd:
        account.know(sshd)
        target = account.add_host("lab", sshd, "PubkeyAuthentication no", key=tmp_path / "missing")
        with pytest.raises(SecretNeeded) as caught:
            account.connect(target)
        assert not caught.value.question.wrong_before
        with pytest.raises(SecretNeeded) as caught:
            account.connect(target, password("wrong"))
        assert caught.value.question.wrong_before


# the way there


def test_through_another_machine_every_host_key_is_asked(account, sshd, tmp_path):
    with private_sshd(tmp_path / "jump") as jump:
        account.add_host("gate", jump)
        target = account.add_host("lab", sshd, "ProxyJump gate")
        with pytest.raises(HostKeyUnknown, match=r"gate \(on the way to lab\) was never seen") as caught:
            account.connect(target)
        account.login.accept_host_key(caught.value.key)
        with pytest.raises(HostKeyUnknown, match="lab was never seen"):
            account.connect(target)
        shell = account.connect_anyway(target)
        assert said(shell, f"echo $SSH_CONNECTION | grep -c ' {sshd.port}$'") == b"1\n"
        assert "direct-tcpip" in jump.log or "Accepted" in jump.log
        jump.kill_sessions()
        wait_until(lambda: not shell.is_alive())
        shell.close()


def test_a_secret_of_a_machine_on_the_way_names_it(account, sshd):
    with asking_sshd(AskingSshd()) as gate:
        account.know(sshd)
        account.add_lines("Host gate", "HostName 127.0.0.1", f"Port {gate.port}", "User ada")
        target = account.add_host("lab", sshd, "ProxyJump gate")
        with pytest.raises(SecretNeeded, match=r"gate \(on the way to lab\) needs") as caught:
            account.connect_anyway(target, password("of the lab"))
        assert gate.told == [], "a machine on the way never gets what is not said to be for it"
        assert caught.value.question.prompt == f"Password of ada on 127.0.0.1:{gate.port}"


def test_a_circle_of_jumps_is_an_error(account, sshd):
    account.add_host("one", sshd, "ProxyJump two")
    account.add_host("two", sshd, "ProxyJump one")
    with pytest.raises(BadInput, match="in a circle"):
        account.connect(SshTarget(host="one"))


def test_a_machine_behind_the_jump_that_is_not_there(account, tmp_path):
    with private_sshd(tmp_path / "jump") as jump:
        account.know(jump)
        account.add_host("gate", jump)
        account.add_lines("Host lab", "HostName 127.0.0.1", f"Port {free_port()}", "ProxyJump gate")
        with pytest.raises(MachineUnreachable, match="lab cannot be reached through gate"):
            account.connect(SshTarget(host="lab"))


def test_a_proxy_command_carries_the_connection(account, sshd):
    account.know(sshd)
    relay = "import socket,os,sys,threading as t;s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
    relay += "t.Thread(target=lambda:[s.sendall(d) for d in iter(lambda:os.read(0,65536),b'')],daemon=True).start();"
    relay += "[os.write(1,d) for d in iter(lambda:s.recv(65536),b'')]"
    shell = account.connect(account.add_host("lab", sshd, f'ProxyCommand python3 -c "{relay}" %h %p'))
    assert said(shell) == b"here\n"
    shell.close()


def test_a_proxy_command_that_ends_is_no_ssh_server(account, sshd):
    target = account.add_host("lab", sshd, "ProxyCommand exit 1")
    with pytest.raises(MachineUnreachable, match="What answers at lab is no ssh server, or it hung up"):
        account.connect(target)


# deadlines


def test_a_host_that_says_nothing_is_given_up(tmp_path):
    account = an_account(tmp_path / "person", greeting_seconds=1.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(MachineUnreachable, match=r"127.0.0.1 took our connection, but its ssh server said nothing"):
            account.connect(SshTarget(host="127.0.0.1", port=silent.getsockname()[1]))
        assert time.monotonic() - started < 3


def test_a_server_of_another_kind_is_named(account):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_say, args=(listener, b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        thread.start()
        with pytest.raises(MachineUnreachable, match="is no ssh server"):
            account.connect(SshTarget(host="127.0.0.1", port=listener.getsockname()[1]))
        thread.join(timeout=10)


def _say(listener, data):
    connection, _ = listener.accept()
    with connection:
        connection.sendall(data)


def test_a_refused_port_is_said_at_once(account):
    port = free_port()
    with pytest.raises(
        MachineUnreachable, match=rf"127.0.0.1 refused the connection: no ssh server listens on its port {port}"
    ):
        account.connect(SshTarget(host="127.0.0.1", port=port))


def test_a_cancel_ends_it_within_a_fifth_of_a_second(account):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wish = time.monotonic() + 0.3
        token = CancelledWhen(lambda: time.monotonic() > wish)
        with pytest.raises(Cancelled):
            account.login.connect(SshTarget(host="127.0.0.1", port=silent.getsockname()[1]), (), token)
        assert time.monotonic() - wish < 0.25


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
