"""What a client may cost: everything that could grow has its bound here."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The defaults are for a lab: dozens of people, not the internet."""

    most_connections: int = 512
    most_waiting: int = 64
    """Requests that wait for a llama-server at the same time; one more gets 503."""
    head_seconds: float = 10.0
    """For the whole of a request's head."""
    body_idle_seconds: float = 60.0
    """A client may pause for so long while it sends, and while it takes what it is sent."""
    head_bytes: int = 64 * 1024
    kept_body_bytes: int = 16 * MIB
    """A body is kept up to this size to be sent once more when llama-server dies; a larger one passes through."""
    whole_answer_bytes: int = 4 * MIB
    """An answer of a known size up to this is passed on when it is complete, so that a death in its middle is a 503."""
    notice_seconds: float = 5.0
    """After a connection to llama-server broke: until the session has said what became of it (it does within 2 s)."""
    most_tries: int = 4
    connect_seconds: float = 5.0
    close_seconds: float = 2.0
    """For answers in progress when the gateway closes."""
