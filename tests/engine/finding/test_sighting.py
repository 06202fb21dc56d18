"""Facts that ways report are values: the same one seen twice is one."""

from engine.finding.sighting import Sighting
from engine.vocabulary.found import FoundBy


def test_the_same_sighting_twice_is_one():
    one = Sighting(way=FoundBy.MDNS, addresses=("10.0.0.7",), name="gpu1")
    assert len({one, Sighting(way=FoundBy.MDNS, addresses=("10.0.0.7",), name="gpu1")}) == 1
    assert len({one, Sighting(way=FoundBy.SWEEP, addresses=("10.0.0.7",), name="gpu1")}) == 2
