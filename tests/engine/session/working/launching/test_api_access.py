"""The API's key and this machine's addresses, as a front end asks for them."""

from engine.session.working.launching.api_access import ApiAccess
from tests.fakes.sessions.fake_outside import Fakes, planned_session


def test_a_key_is_made_once_and_is_in_no_state():
    fakes = Fakes()
    access = ApiAccess(fakes.outside())
    assert not access.has_key()
    key = access.make_key()
    assert access.has_key()
    assert access.make_key() != key
    assert access.key_file().endswith("api-key")
    session, _jobs = planned_session(fakes)
    assert "sk-fake" not in repr(session.snapshot())


def test_addresses_are_those_of_this_machine():
    fakes = Fakes()
    fakes.own_addresses = ("10.0.0.7", "192.168.1.2")
    assert ApiAccess(fakes.outside()).addresses() == ("10.0.0.7", "192.168.1.2")
