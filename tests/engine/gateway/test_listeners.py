"""Sockets of the API."""

import socket

import pytest

from engine.errors import ProcessFailed
from engine.gateway.listeners import TRIED_PORTS, listen_on_loopback, listen_on_network, url_of
from tests.engine.gateway.open_gateway import free_port


def test_the_first_free_port_from_there_up():
    first = free_port()
    with listen_on_loopback(first) as one, listen_on_loopback(first) as two:
        assert url_of(one) == f"http://127.0.0.1:{first}"
        assert first < two.getsockname()[1] < first + TRIED_PORTS


def test_a_port_can_be_had_again_at_once():
    with listen_on_loopback(free_port()) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            listener.setblocking(True)
            listener.accept()[0].close()  # the side that closes first keeps the port in TIME_WAIT
            assert client.recv(1) == b""
    with listen_on_loopback(port) as again:
        assert again.getsockname()[1] == port


def test_ports_end_at_65535():
    with listen_on_loopback(65535), pytest.raises(ProcessFailed, match="65535"):
        listen_on_loopback(65535)


def test_an_address_that_is_not_ours_is_a_sentence():
    with pytest.raises(ProcessFailed, match=r"cannot listen on 203\.0\.113\.1") as refused:
        listen_on_network("203.0.113.1", 8080)
    assert refused.value.advice


def test_another_address_of_this_machine():
    with listen_on_network("127.0.0.9", free_port()) as listener:
        assert url_of(listener).startswith("http://127.0.0.9:")
    with listen_on_network("::1", free_port()) as listener:
        assert url_of(listener).startswith("http://[::1]:")
