from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CoordinatorUnusable
from engine.llama_cpp.server_metrics import ServerTotals, parse_metrics, work_marks

RECORDED = Path(__file__).parents[2] / "recorded" / "llama-server-0c1e570"


def test_after_two_requests() -> None:
    assert parse_metrics((RECORDED / "metrics_after_two_requests.txt").read_text()) == ServerTotals(
        prompt_tokens=31, prompt_seconds=0.169244, decoded_tokens=16, decode_seconds=0.293638, requests_processing=0
    )


def test_of_a_fresh_server() -> None:
    totals = parse_metrics((RECORDED / "metrics_fresh.txt").read_text())
    assert (totals.prompt_tokens, totals.decoded_tokens) == (0, 0)


def test_a_missing_total_is_named() -> None:
    text = (
        (RECORDED / "metrics_fresh.txt")
        .read_text()
        .replace("llamacpp:prompt_seconds_total 0", "llamacpp:prompt_seconds_total nan")
    )
    with pytest.raises(CoordinatorUnusable, match=r"lack prompt_seconds_total\."):
        parse_metrics(text)


@given(st.text(max_size=200))
def test_any_text_is_one_clear_error(text: str) -> None:
    with pytest.raises(CoordinatorUnusable):
        parse_metrics(text)


SLOTS = (
    '[{"is_processing": true, "id_task": 7, "n_prompt_tokens_processed": 512, "next_token": [{"n_decoded": 3}]},'
    ' {"is_processing": false, "id_task": 6, "n_prompt_tokens_processed": 9}, 5]'
)


def test_marks_of_work_change_with_every_batch():
    assert work_marks("llamacpp:n_decode_total 248\n", SLOTS) == (248, 7, 3, 512)
    assert work_marks("", SLOTS.replace('"n_prompt_tokens_processed": 512, ', "")) == (7, 3)
    assert work_marks("", "[]") == work_marks("", "nonsense") == work_marks("", "{}") == ()


def test_marks_of_a_real_one_whose_worker_was_stopped() -> None:
    metrics, slots = ((RECORDED / name).read_text() for name in ("metrics_worker_stopped.txt", "slots_worker_stopped.json"))
    assert parse_metrics(metrics).requests_processing == 1
    assert work_marks(metrics, slots) == (140, 0, 140, 8)
