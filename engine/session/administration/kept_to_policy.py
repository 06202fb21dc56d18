"""What a person chose, kept to what the administrator of this machine decided. Pure.

Held here, where every choice comes by, and not in the window: the command line and cluster files choose too. Which machines
may be logged in to is held where logins are made, by the name that ssh's configuration leads to.
"""

from __future__ import annotations

from dataclasses import replace

from engine.planning.memory.safe_memory import DEFAULT_RESERVE_FRACTION
from engine.session.state import Choices
from engine.vocabulary.admin_policy import AdminPolicy


def kept_to(policy: AdminPolicy, choices: Choices) -> Choices:
    """The same choices with what is locked as it is locked."""
    if policy.exposure_forbidden:
        choices = replace(choices, lan_addresses=())
    if policy.reserve_fraction is not None:
        choices = replace(choices, reserve_fraction=policy.reserve_fraction)
    if policy.model_folders is not None:
        choices = replace(choices, model_folders=policy.model_folders)
    return choices


def overruled(policy: AdminPolicy, choices: Choices) -> tuple[str, ...]:
    """A sentence for each thing that was asked for otherwise: nothing is overruled in silence. A default was not asked for."""
    sentences = []
    if policy.exposure_forbidden and choices.lan_addresses:
        sentences.append(f"No port is opened on the network: the administrator forbids it in {policy.path}.")
    reserve = policy.reserve_fraction
    if reserve is not None and choices.reserve_fraction not in (reserve, DEFAULT_RESERVE_FRACTION):
        sentences.append(f"The reserve is {reserve:.0%} of every device's memory: the administrator set it in {policy.path}.")
    return tuple(sentences)
