"""What a front end asks about the API's key and about addresses on which it could be open. Nothing of it is in the state: what
is there is published, logged and shown."""

from __future__ import annotations

from engine.session.outside import Outside


class ApiAccess:
    """Small files and the system's own lists: every call returns within milliseconds."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def has_key(self) -> bool:
        """Whether there is a key."""
        return self._outside.api_keys.load() is not None

    def make_key(self) -> str:
        """A new key, to be shown this once; the old one counts no more. Raises ``BadInput`` when it cannot be kept."""
        return self._outside.api_keys.make()

    def key_file(self) -> str:
        """Where it is kept."""
        return str(self._outside.api_keys.path)

    def addresses(self) -> tuple[str, ...]:
        """Addresses of this machine in its networks."""
        return self._outside.own_addresses()
