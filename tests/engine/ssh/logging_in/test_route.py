"""The way to a machine: jumps in order, circles, addresses that do not answer."""

import socket

import pytest

from engine.errors import BadInput, MachineUnreachable
from engine.ssh.abandonable import Attempt
from engine.ssh.logging_in import route
from engine.ssh.logging_in.route import connect_tcp, first_stretch, route_to
from engine.vocabulary.remote import SshTarget
from tests.fakes.ssh.private_sshd import free_port
from tests.fakes.ssh.ssh_accounts import an_account


@pytest.fixture
def account(tmp_path):
    return an_account(tmp_path / "person")


def names(account, host):
    return [stop.target.text for stop in route_to(SshTarget(host=host), account.ssh)]


def test_jumps_are_gone_through_in_order_and_the_first_has_its_own_way(account):
    account.config.write_text(
        "Host lab\nProxyJump ada@one:2222,two\nHost one\nProxyJump zero\nHost two\nProxyJump never\n"
        "Host straight\nProxyJump none\nHost *\nUser me\n"
    )
    assert names(account, "lab") == ["zero", "ada@one:2222", "two", "lab"]
    assert names(account, "straight") == ["straight"]
    stops = route_to(SshTarget(host="lab"), account.ssh)
    assert [stop.name for stop in stops] == [
        "zero (on the way to lab)",
        "one (on the way to lab)",
        "two (on the way to lab)",
        "lab",
    ]
    assert (stops[1].options.user, stops[2].options.user) == ("ada", "me")


def test_a_circle_is_an_error(account):
    account.config.write_text("Host lab\nProxyJump one\nHost one\nProxyJump lab\n")
    with pytest.raises(BadInput, match="The way to lab goes through more than 8 machines, or in a circle"):
        names(account, "lab")


def address_info(*addresses):
    return lambda *_arguments, **_more: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]


def test_the_first_address_that_answers_is_taken(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = ("127.0.0.1", free_port())
        monkeypatch.setattr(route.socket, "getaddrinfo", address_info(dead, listener.getsockname()))
        stream = connect_tcp("gpu", 22, 5, "gpu", Attempt())
        assert stream.getpeername() == listener.getsockname()
        stream.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "x"), "gpu refused the connection: no ssh server listens on its port 22"),
        (TimeoutError(), "gpu did not answer on port 22 within 5 s"),
        (OSError(113, "x"), "gpu cannot be reached on port 22: No route to host"),
    ],
)
def test_why_there_is_no_connection(monkeypatch, error, words):
    class Failing(socket.socket):
        def connect(self, _address):
            raise error

    monkeypatch.setattr(route.socket, "getaddrinfo", address_info(("127.0.0.1", 1)))
    monkeypatch.setattr(route.socket, "socket", Failing)
    with pytest.raises(MachineUnreachable, match=words):
        connect_tcp("gpu", 22, 5, "gpu", Attempt())


def test_a_name_without_an_address(monkeypatch):
    def unknown(*_arguments, **_more):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(route.socket, "getaddrinfo", unknown)
    with pytest.raises(MachineUnreachable, match="No address is known for gpu"):
        connect_tcp("gpu", 22, 5, "gpu", Attempt())


def test_the_timeout_of_the_configuration_counts(account, monkeypatch):
    seen = []
    monkeypatch.setattr(route, "connect_tcp", lambda *arguments: seen.append(arguments[2]))
    account.config.write_text("Host slow\nConnectTimeout 3\n")
    for host in ("slow", "other"):
        first_stretch(route_to(SshTarget(host=host), account.ssh)[0], Attempt(), account.ssh)
    assert seen == [3.0, 10.0]
