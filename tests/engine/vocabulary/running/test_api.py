"""The words of the API: their defaults let nobody in from outside, and agree with the settings'."""

from dataclasses import replace

from engine.settings.settings_file import Settings
from engine.vocabulary.running.api import ApiOpened, ApiPlace, Serving, ServingPhase


def test_the_default_is_this_machine_alone():
    place = ApiPlace()
    assert (place.network_address, place.port) == (None, Settings().api_port)
    assert (place.key_on_loopback, place.wait_seconds) == (Settings().api_key_on_loopback, Settings().api_wait_seconds)
    assert ApiOpened(url="http://127.0.0.1:8080").network_url is None


def test_what_is_not_known_is_not_zero():
    serving = Serving(phase=ServingPhase.COMING)
    assert serving.expected_seconds is None
    assert serving != replace(serving, expected_seconds=0.0)
