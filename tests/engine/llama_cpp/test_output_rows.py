"""Which builds keep logits per slot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.llama_cpp.output_rows import keeps_outputs_per_slot
from tests.fakes.sessions.fake_outside import RUNTIME


@pytest.mark.parametrize(
    ("build_number", "commit", "expected"),
    [
        (None, "0c1e570", True),
        (None, "0C1E570abc", True),
        (None, "0c1e5", False),
        (None, None, False),
        (11434, None, True),
        (11320, "0c1e570", False),
    ],
)
def test_when_in_doubt_the_whole_micro_batch(build_number, commit, expected):
    assert keeps_outputs_per_slot(replace(RUNTIME, build_number=build_number, commit=commit)) is expected
