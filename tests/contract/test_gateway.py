"""``ports.Gateway``: the same suite on the fake and on the real one."""

import math

import pytest

from engine.errors import ProcessFailed
from engine.gateway.http_gateway import HttpGateway
from engine.vocabulary.running.api import ApiOpened, ApiPlace, Serving, ServingPhase
from tests.engine.gateway.open_gateway import free_port
from tests.fakes.ports.fake_gateway import FakeGateway


@pytest.fixture(params=["fake", "real"])
def gateway(request):
    made = FakeGateway() if request.param == "fake" else HttpGateway(lambda: "sk-crossply-x")
    yield made
    made.close()


@pytest.fixture
def place():
    return ApiPlace(port=free_port())


def test_it_opens_where_it_is_asked_to(gateway, place):
    assert gateway.open(place) == ApiOpened(url=f"http://127.0.0.1:{place.port}")


def test_nobody_has_asked_yet(gateway, place):
    assert gateway.idle_seconds() == math.inf
    gateway.open(place)
    assert gateway.idle_seconds() == math.inf


def test_opened_again_it_stays_where_it_is(gateway, place):
    opened = gateway.open(place)
    assert gateway.open(place) == opened
    assert gateway.open(ApiPlace(port=1, wait_seconds=1.0)) == opened


def test_a_port_in_use_gets_the_next_free_one(gateway, place):
    other = HttpGateway(lambda: None)
    other.open(place)
    if isinstance(gateway, FakeGateway):
        gateway.taken.add(place.port)
    try:
        port = int(gateway.open(place).url.rpartition(":")[2])
    finally:
        other.close()
    assert place.port < port < place.port + 50


def test_on_the_network_it_is_at_the_same_port_and_can_be_closed_again(gateway, place):
    wide = ApiPlace(port=place.port, network_address="127.0.0.9")
    opened = gateway.open(wide)
    assert opened == ApiOpened(url=f"http://127.0.0.1:{place.port}", network_url=f"http://127.0.0.9:{place.port}")
    assert gateway.open(wide) == opened
    assert gateway.open(place).network_url is None


def test_a_network_that_cannot_be_had_leaves_this_machine(gateway, place):
    if isinstance(gateway, FakeGateway):
        gateway.fails = "The API cannot listen on 203.0.113.1."
    with pytest.raises(ProcessFailed, match=r"203\.0\.113\.1") as refused:
        gateway.open(ApiPlace(port=place.port, network_address="203.0.113.1"))
    assert refused.value.advice
    assert gateway.open(place) == ApiOpened(url=f"http://127.0.0.1:{place.port}")


def test_it_can_be_pointed_before_it_is_open_and_after_it_is_closed(gateway, place):
    gateway.point_at(Serving(phase=ServingPhase.COMING))
    gateway.open(place)
    gateway.point_at(Serving(phase=ServingPhase.NOTHING))
    gateway.close()
    gateway.point_at(Serving(phase=ServingPhase.NOTHING))


def test_closing_twice_is_closing_and_it_can_be_opened_again(gateway, place):
    gateway.close()
    first = gateway.open(place)
    gateway.close()
    gateway.close()
    assert gateway.open(place) == first
