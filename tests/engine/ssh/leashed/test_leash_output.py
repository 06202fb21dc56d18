from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ssh.leashed.leash_output import CouldNotStart, Ended, LeashOutput, Piece, Started

NONCE = "00ff"
BEGIN = b"00ff begin\n"
STARTED = b"00ff started 12 11 10\n"


def split(chunks: list[bytes], *, shell_codes: bool = False) -> list[Piece]:
    """All pieces, with output that touches joined."""
    output = LeashOutput(NONCE, shell_codes=shell_codes)
    joined: list[Piece] = []
    for piece in [piece for chunk in chunks for piece in output.feed(chunk)] + output.finish():
        if isinstance(piece, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def test_output_between_the_words_of_the_leash() -> None:
    stream = b"Welcome!\n" + BEGIN + STARTED + b"one\ntwo\n" + b"00ff ended 7\n"
    assert split([stream]) == [Started(pid=12, group=11, leash=10), b"one\ntwo\n", Ended(code=7)]


@given(st.lists(st.binary(max_size=20)), st.integers(min_value=1, max_value=7))
def test_output_comes_back_whatever_it_is_and_however_it_is_torn(outputs: list[bytes], step: int) -> None:
    output = b"".join(outputs)
    stream = BEGIN + STARTED + output + b"00ff ended 0\n"
    pieces = split([stream[at : at + step] for at in range(0, len(stream), step)])
    assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == output
    assert pieces[-1] == Ended(code=0)


def test_a_line_is_given_out_at_once() -> None:
    output = LeashOutput(NONCE)
    output.feed(BEGIN)
    assert output.feed(b"one\n") == [b"one\n"]


def test_words_in_the_middle_of_a_line_leave_it_whole() -> None:
    assert split([BEGIN + b"par" + STARTED + b"tial"]) == [b"par", Started(pid=12, group=11, leash=10), b"tial"]


def test_a_greeting_is_no_output_but_can_be_quoted() -> None:
    output = LeashOutput(NONCE)
    assert output.feed(b"x" * 10_000 + b"sh: python3: not found\n") == []
    assert output.finish() == []
    assert output.greeting.endswith("sh: python3: not found\n")
    assert len(output.greeting) <= 4096


def test_a_refusal() -> None:
    assert split([BEGIN + b"00ff failed missing No such file\n"]) == [CouldNotStart(reason="missing", words="No such file")]


@pytest.mark.parametrize(("told", "code"), [(0, 0), (7, 7), (128, 128), (137, -9), (192, -64), (200, 200)])
def test_a_shell_tells_signals_as_large_codes(told: int, code: int) -> None:
    ended = BEGIN + b"00ff ended %d\n" % told
    assert split([ended], shell_codes=True) == [Ended(code=code)]
    assert split([ended]) == [Ended(code=told)]


@pytest.mark.parametrize(
    "words", [b"started 1 2", b"started 0 1 2", b"started -1 1 1", b"ended 99999", b"ended x", b"failed \x1b[2J", b"nonsense"]
)
def test_what_no_leash_says_is_not_heard(words: bytes) -> None:
    assert split([BEGIN + b"00ff " + words + b"\n"]) == []


@given(st.lists(st.one_of(st.binary(max_size=30), st.just(b"00ff "), st.just(BEGIN), st.just(STARTED))))
def test_nothing_that_comes_makes_it_fail_or_grow(chunks: list[bytes]) -> None:
    output = LeashOutput(NONCE)
    for chunk in [*chunks, b"00ff " + b"x" * 2000, b"y" * 2000]:
        output.feed(chunk)
        assert len(output._rest) <= 512 + len(chunk)


def test_a_kill_for_want_of_memory_is_told_apart() -> None:
    assert split([BEGIN + b"00ff ended -9 memory\n"]) == [Ended(code=-9, for_memory=True)]
    assert split([BEGIN + b"00ff ended -9 money\n"]) == []
