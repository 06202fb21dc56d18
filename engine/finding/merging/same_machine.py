"""Which endpoints are one machine: pure.

The rule: the same host key is the same machine; else the same address; else the same name or hardware address. A weaker
sign never joins what shows different host keys (two machines behind one address with forwarded ports, two machines that
claim one name, a router that answers for others). Endpoints are joined in a fixed order, so the result does not depend on
the order in which they were found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

from engine.finding.sighting import Endpoint

MOST_ADDRESSES_PER_MAC = 8
"""A hardware address with more is a router that answers for others (proxy ARP)."""


class SameMachine:
    """Endpoints in groups; a group is one machine."""

    def __init__(self, endpoints: Iterable[Endpoint], fingerprints: Mapping[Endpoint, str]) -> None:
        self._group_of: dict[Endpoint, Endpoint] = {endpoint: endpoint for endpoint in sorted(endpoints)}
        self._keys: dict[Endpoint, frozenset[str]] = {
            endpoint: frozenset({fingerprints[endpoint]} if endpoint in fingerprints else ()) for endpoint in self._group_of
        }
        self.join_equal(fingerprints)

    def join_equal(self, signs: Mapping[Endpoint, Hashable]) -> None:
        """Join endpoints that show the same sign."""
        by_sign: dict[Hashable, list[Endpoint]] = defaultdict(list)
        for endpoint in sorted(signs):
            by_sign[signs[endpoint]].append(endpoint)
        for endpoints in by_sign.values():
            self.join(endpoints)

    def join(self, endpoints: Iterable[Endpoint]) -> None:
        """Join all of them, as far as their host keys do not contradict."""
        in_order = sorted(endpoints)
        for other in in_order[1:]:
            self._join_two(in_order[0], other)

    def groups(self) -> tuple[tuple[Endpoint, ...], ...]:
        """The endpoints of each machine."""
        groups: dict[Endpoint, list[Endpoint]] = defaultdict(list)
        for endpoint in self._group_of:
            groups[self._root(endpoint)].append(endpoint)
        return tuple(tuple(group) for group in groups.values())

    def _join_two(self, one: Endpoint, other: Endpoint) -> None:
        one, other = self._root(one), self._root(other)
        if one == other:
            return
        if self._keys[one] and self._keys[other] and not self._keys[one] & self._keys[other]:
            return
        self._group_of[other] = one
        self._keys[one] |= self._keys[other]

    def _root(self, endpoint: Endpoint) -> Endpoint:
        while (above := self._group_of[endpoint]) != endpoint:
            endpoint = above
        return endpoint
