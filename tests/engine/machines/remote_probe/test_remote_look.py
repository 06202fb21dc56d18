from __future__ import annotations

import time

import pytest

from engine.errors import ProbeFailed
from engine.machines.remote_probe.remote_look import look
from engine.remote_ports import CommandOutput
from tests.engine.machines.remote_probe.here_shell import HereShell
from tests.fakes.cancel_tokens import NeverCancelled


def test_one_look_is_one_short_round_trip():
    shell = HereShell()
    started = time.monotonic()
    answer = look(shell, NeverCancelled())
    assert answer.target == shell.target
    assert shell.calls == 1
    assert time.monotonic() - started < 20
    assert shell.sent_bytes < 40_000
    assert shell.received_bytes < 200_000


def test_a_machine_that_says_nothing():
    class Silent(HereShell):
        def run(self, command, **options):
            return CommandOutput(exit_code=1, stdout=b"", stderr=b"")

    with pytest.raises(ProbeFailed, match=r"ada@10\.0\.0\.7 did not answer"):
        look(Silent(), NeverCancelled())
