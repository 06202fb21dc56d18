"""The table itself."""

import re

from tests.faults.breaking.what_breaks import TABLE, Phase
from tests.faults.matrix import cells


def test_names_are_of_one_row_each_and_words_are_patterns():
    assert len({cause.name for cause in TABLE}) == len(TABLE)
    assert all(re.compile(cause.words) for cause in TABLE)


def test_five_trials_of_each_kill_cell_are_a_hundred():
    kills = [cell for cell in cells() if cell.cause.is_kill]
    assert 5 * len(kills) == 100
    assert {cell.phase for cell in kills} == set(Phase)
    assert {cell.cause.name for cell in kills} == {
        "worker: kill -9",
        "remote worker: kill -9",
        "llama-server: kill -9",
        "sshd: kill -9",
        "tunnel: kill -9",
    }


def test_cells_are_chosen_by_words():
    assert [cell.phase for cell in cells("tunnel kill")] == list(Phase)
    assert [(cell.cause.name, cell.phase) for cell in cells("abort decode")] == [("llama-server: abort (134)", Phase.DECODE)]
