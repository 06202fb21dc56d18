"""Words that the engine says as values (phases, how a worker is reached, policies), in the language of the person.

They are said here again because the engine knows no translation, and its values are kept in files and stay English there.
Its sentences (problems, reasons, what a worker is worth) are shown in English: they are put together of values in the engine.
"""

from __future__ import annotations

from gui.texts.translation import mark, tr

_KNOWN = frozenset(
    {
        *(mark("looking"), mark("missing"), mark("installing"), mark("ready")),
        *(mark("starting"), mark("stopping"), mark("stopped"), mark("failed")),
        *(mark("this machine only"), mark("loopback + SSH tunnel"), mark("open on the network")),
        mark("in llama-server itself"),
        *(mark("password"), mark("passphrase"), mark("one-time code")),
        *(mark("fastest"), mark("even"), mark("memory")),
        *(mark("Your split"), mark("hybrid (all workers)"), mark("llama.cpp's default split")),
        *(mark("per-device"), mark("per-machine"), mark("traditional")),
        *(mark("neighbour table"), mark("subnet sweep")),
    }
)


def engine_word(value: str) -> str:
    """What is not known here is a name and stays as it is."""
    word = str(value)
    return tr(word) if word in _KNOWN else word
