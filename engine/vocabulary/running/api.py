"""The API that Crossply offers to clients: where it is, and whether a llama-server stands behind it now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ServingPhase(StrEnum):
    """What a client that asks now can expect."""

    READY = "ready"
    COMING = "coming"
    """No llama-server answers yet, or again; one is on its way."""
    NOTHING = "nothing"
    """None is there, and none is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What stands behind the API now."""

    phase: ServingPhase
    url: str = ""
    """Of llama-server itself, when it is ready."""
    doing: str = ""
    """For people who wait, or wait in vain: a whole sentence."""
    expected_seconds: float | None = None
    """Until it is ready, as far as that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPlace:
    """Where the API is to be, and whom it lets in."""

    port: int = 8080
    """The next free one if it is taken."""
    network_address: str | None = None
    """An address of this machine on which others may reach it too, with the API key; ``None`` = this machine only."""
    key_on_loopback: bool = False
    """Programs on this machine need the key as well."""
    wait_seconds: float = 60.0
    """How long a request may wait for a llama-server that is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOpened:
    """Where the API is."""

    url: str
    """On this machine."""
    network_url: str | None = None
    """For other machines, with the key."""
