"""Who may use the API: this machine alone, or others too, by one address and the key."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState
from gui.texts.translation import tr


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAccessContent:
    """The whole dialog."""

    addresses: tuple[str, ...]
    chosen: str | None
    """``None`` = this machine alone."""
    key_on_loopback: bool
    has_key: bool
    none_words: str
    """Why there is no address to choose, where there is none."""
    key_words: str
    """Whether there is a key, and where it is kept."""


def api_access_of(
    state: ClusterState, *, addresses: tuple[str, ...], has_key: bool, key_file: str, new: bool = False
) -> ApiAccessContent:
    """``new``: the key was made just now and is shown."""
    chosen = state.api_place.network_address
    if new:
        words = tr("Copy the key now: it is shown this once. After that only {file} has it.", file=key_file)
    elif has_key:
        words = tr("There is a key. It is in {file}, which only you can read.", file=key_file)
    else:
        words = tr("There is no key yet.")
    return ApiAccessContent(
        addresses=()
        if state.policy.exposure_forbidden
        else (*addresses, *(() if chosen is None or chosen in addresses else (chosen,))),
        none_words=(
            tr("Set by your administrator ({file}).", file=state.policy.path)
            if state.policy.exposure_forbidden
            else tr("This machine has no address in a network.")
        ),
        chosen=chosen,
        key_on_loopback=state.api_place.key_on_loopback,
        has_key=has_key,
        key_words=words,
    )


def why_not_taken(content: ApiAccessContent, address: str | None, *, key_on_loopback: bool, understood: bool) -> str:
    """Why what is chosen in the dialog cannot be taken, one sentence; empty when it can."""
    if (address is not None or key_on_loopback) and not content.has_key:
        return tr("Make a key first.")
    return tr("Say that you understand what it means.") if address is not None and not understood else ""


def api_exposure_text(state: ClusterState) -> str | None:
    """For the status line, while others may use it."""
    network = state.api.network_url if state.api else None
    return None if network is None else tr("API open on the network at {address}, with its key", address=network)
