"""Addresses on which the API may be opened."""

import pytest

from engine.errors import BadInput
from engine.settings.network_address import checked_network_address


@pytest.mark.parametrize(
    ("given", "taken"),
    [("10.0.0.7", "10.0.0.7"), (" 192.168.1.2 ", "192.168.1.2"), ("fd00::0007", "fd00::7"), ("[fd00::7]", "fd00::7")],
)
def test_an_address_is_taken_as_it_is_written(given, taken):
    assert checked_network_address(given) == taken


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("0.0.0.0", "every network"),
        ("::", "every network"),
        ("224.0.0.1", "every network"),
        ("127.0.0.1", "this machine alone"),
        ("::1", "this machine alone"),
        ("gpu-node", "no IP address"),
        ("10.0.0.7:8080", "no IP address"),
        ("10.0.0.0/8", "no IP address"),
        ("", "no IP address"),
    ],
)
def test_anything_else_is_one_sentence(given, said):
    with pytest.raises(BadInput, match=said) as refused:
        checked_network_address(given)
    assert refused.value.advice
