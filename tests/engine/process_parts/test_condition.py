"""The state of a process, as the system prints it."""

import os
import subprocess

import pytest

from engine.process_parts.condition import CONDITION_SCRIPT, condition_in
from engine.vocabulary.running.process import ProcessCondition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("4242 (ggml-rpc-server) S 1 4242 4242 0 -1", ProcessCondition.RUNNING),
        ("4242 (a) R) T 1 1", ProcessCondition.STOPPED),
        ("4242 (x) t 1", ProcessCondition.STOPPED),
        ("4242 (x) D 1", ProcessCondition.STUCK),
        ("4242 (x) Z 1", ProcessCondition.GONE),
        ("Ss+\n", ProcessCondition.RUNNING),
        ("T\n", ProcessCondition.STOPPED),
        ("  U+\n", ProcessCondition.STUCK),
        ("", ProcessCondition.GONE),
        ("\n", ProcessCondition.GONE),
        ("sh: ps: not found", ProcessCondition.UNKNOWN),
        ("4242 (no end", ProcessCondition.UNKNOWN),
    ],
)
def test_states(text, condition):
    assert condition_in(text) is condition


def test_the_command_says_it_of_a_real_process():
    done = subprocess.run(["sh", "-c", CONDITION_SCRIPT, "look", str(os.getpid())], capture_output=True, text=True, check=True)
    assert condition_in(done.stdout) is ProcessCondition.RUNNING
