from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.process_parts.output_lines import CUT_MARK, LineSplitter, Tail, deliver, lines_in


def split(chunks: list[bytes], max_line_bytes: int = 1000) -> list[str]:
    splitter = LineSplitter(max_line_bytes)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return lines + splitter.finish()


@given(st.lists(st.binary(max_size=30)))
def test_chunk_borders_change_nothing(chunks: list[bytes]) -> None:
    assert split(chunks) == split([b"".join(chunks)])


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=20)))
def test_whole_lines_come_back(lines: list[str]) -> None:
    assert split(["".join(f"{line}\n" for line in lines).encode()]) == lines


def test_a_character_cut_by_a_chunk_border_is_whole() -> None:
    assert split([b"caf\xc3", b"\xa9\n"]) == ["café"]


def test_windows_line_ends() -> None:
    assert split([b"one\r\ntwo\r", b"\nthree"]) == ["one", "two", "three"]


def test_an_over_long_line_is_cut_once_and_the_next_is_whole() -> None:
    assert split([b"x" * 15, b"y" * 30, b"z\nnext\n"], 10) == ["x" * 10 + CUT_MARK, "next"]


def test_an_over_long_line_in_one_chunk_is_cut() -> None:
    assert split([b"x" * 15 + b"\nnext"], 10) == ["x" * 10 + CUT_MARK, "next"]


@given(st.lists(st.binary(max_size=50)))
def test_no_line_is_longer_than_the_bound(chunks: list[bytes]) -> None:
    assert all(len(line) <= 10 + len(CUT_MARK) for line in split(chunks, 10))


def test_what_is_kept_of_an_endless_line_is_bounded() -> None:
    splitter = LineSplitter(10)
    for _ in range(1000):
        splitter.feed(b"x" * 100)
    assert len(splitter._rest) <= 10
    assert splitter.finish() == []


def test_the_tail_keeps_the_last_lines() -> None:
    tail = Tail(3)
    for number in range(5):
        tail.add(str(number))
    assert tail.lines() == ("2", "3", "4")


def test_chunks_become_lines() -> None:
    assert list(lines_in([b"one\ntw", b"o\nlast"])) == ["one", "two", "last"]


def test_a_callback_that_raises_is_heard_of_after_the_last_line() -> None:
    def on_line(line: str) -> None:
        raise ZeroDivisionError(line)

    tail = Tail()
    with pytest.raises(ZeroDivisionError, match="one"):
        deliver(iter(["one", "two"]), tail, on_line)
    assert tail.lines() == ("one", "two")
