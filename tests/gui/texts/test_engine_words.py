"""Values of the engine that the window shows are known, every one of them."""

from __future__ import annotations

import pytest

from engine.session.state import RuntimePhase
from engine.vocabulary.found import FoundBy
from engine.vocabulary.plan import Policy
from engine.vocabulary.remote import SecretKind
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.worker import Exposure, Layout
from gui.texts.engine_words import engine_word
from gui.window.language import words_of

NAMES = {"~/.ssh/config", "known_hosts", "mDNS"}


@pytest.mark.parametrize("values", [RuntimePhase, ProcessPhase, Exposure, SecretKind, Policy, Layout, FoundBy])
def test_every_value_is_said_in_german(values, in_german):
    german = words_of("de").messages
    for value in values:
        assert value.value in NAMES or engine_word(value) == german[value.value]


def test_what_is_not_known_is_a_name(in_german):
    assert engine_word("lab-02") == "lab-02"
