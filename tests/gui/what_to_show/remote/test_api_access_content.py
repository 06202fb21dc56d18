"""Who may use the API, in words."""

from dataclasses import replace

import pytest

from engine.vocabulary.running.api import ApiOpened, ApiPlace
from gui.what_to_show.remote.api_access_content import api_access_of, api_exposure_text, why_not_taken
from gui.what_to_show.status_content import status_of
from tests.fakes.states.cluster_states import plan_shown, ready

OPEN = replace(
    ready(),
    api_place=ApiPlace(network_address="10.0.0.7", key_on_loopback=True),
    api=ApiOpened(url="http://127.0.0.1:8081", network_url="http://10.0.0.7:8081"),
)


def content(state, **fields):
    return api_access_of(state, **{"addresses": ("10.0.0.7",), "has_key": False, "key_file": "/state/api-key"} | fields)


def test_it_begins_with_this_machine_alone():
    found = content(plan_shown())
    assert (found.chosen, found.key_on_loopback) == (None, False)
    assert found.key_words == "There is no key yet."


def test_what_is_open_now_is_chosen_even_if_the_address_went_away():
    found = content(OPEN, addresses=("192.168.1.2",), has_key=True)
    assert (found.chosen, found.addresses) == ("10.0.0.7", ("192.168.1.2", "10.0.0.7"))
    assert found.key_on_loopback
    assert "/state/api-key" in found.key_words


def test_a_new_key_is_to_be_copied_now():
    assert "shown this once" in content(OPEN, has_key=True, new=True).key_words


@pytest.mark.parametrize(
    ("has_key", "address", "key_on_loopback", "understood", "said"),
    [
        (False, None, False, False, ""),
        (False, None, True, False, "Make a key first."),
        (False, "10.0.0.7", False, True, "Make a key first."),
        (True, "10.0.0.7", False, False, "Say that you understand what it means."),
        (True, "10.0.0.7", True, True, ""),
        (True, None, True, False, ""),
    ],
)
def test_nothing_is_opened_without_a_key_and_a_yes(has_key, address, key_on_loopback, understood, said):
    found = content(plan_shown(), has_key=has_key)
    assert why_not_taken(found, address, key_on_loopback=key_on_loopback, understood=understood) == said


def test_the_status_line_says_so_while_it_is_open():
    assert status_of(OPEN).right == "API open on the network at http://10.0.0.7:8081, with its key"
    assert api_exposure_text(ready()) is None
    assert "10.0.0.7" not in status_of(ready()).right


def test_where_the_key_is_needed_here_too_the_example_names_it_and_does_not_hold_it():
    assert "$CROSSPLY_API_KEY" in status_of(OPEN).curl
    assert "Authorization" not in status_of(ready()).curl
