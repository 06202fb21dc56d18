from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CoordinatorUnusable
from engine.llama_cpp.answer_stream import parse_stream_line, timings_of

RECORDED = Path(__file__).parents[2] / "recorded" / "llama-server-0c1e570"


@pytest.mark.parametrize(
    ("name", "text", "prompt_tokens"),
    [("completion_stream.txt", " the capital of the French Republic. It", 6), ("chat_stream.txt", None, 25)],
)
def test_recorded_answers(name: str, text: str | None, prompt_tokens: int) -> None:
    parsed = [parse_stream_line(line) for line in (RECORDED / name).read_text().splitlines()]
    pieces = [piece for piece in parsed if piece is not None]
    answer = "".join(piece.text for piece in pieces)
    assert answer == text if text else len(answer) > 5
    timings = pieces[-1].timings
    assert timings is not None
    assert (timings.prompt_tokens, timings.decoded_tokens) == (prompt_tokens, 8)
    assert 0.05 < timings.decode_seconds < 1
    assert [piece.timings for piece in pieces[:-1]] == [None] * (len(pieces) - 1)


def test_thoughts_are_part_of_the_answer() -> None:
    piece = parse_stream_line('data: {"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}')
    assert piece is not None
    assert piece.text == "hm"


@pytest.mark.parametrize(
    "line",
    ['data: {"error":{"code":400,"message":"too long"}}', 'error: {"code":400,"message":"too long"}', "error: too long"],
)
def test_an_error_in_the_stream_is_raised(line: str) -> None:
    with pytest.raises(CoordinatorUnusable, match="llama-server reported: too long"):
        parse_stream_line(line)


def test_incomplete_timings_are_an_error() -> None:
    with pytest.raises(CoordinatorUnusable, match="timings are incomplete"):
        timings_of({"prompt_n": 3})


@given(st.text(max_size=100))
def test_any_other_line_is_nothing_and_any_other_data_one_error(text: str) -> None:
    assert parse_stream_line(": " + text) is None
    with pytest.raises(CoordinatorUnusable):
        parse_stream_line("data: !" + text)
