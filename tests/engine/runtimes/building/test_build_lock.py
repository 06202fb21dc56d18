"""Only one process builds at a time, and a dead one does not block."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import Cancelled
from engine.runtimes.building.build_lock import only_one_builds
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled

HOLD = """
import sys
from pathlib import Path
from engine.runtimes.building.build_lock import only_one_builds
from tests.fakes.cancel_tokens import NeverCancelled
with only_one_builds(Path(sys.argv[1]), token=NeverCancelled(), on_waiting=lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder):
    root = Path(__file__).parents[4]
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_second_process_waits_and_can_be_cancelled_and_a_killed_one_lets_go(tmp_path):
    with hold(tmp_path) as other:
        assert other.stdout.readline() == "held\n"
        waited = []
        with (
            pytest.raises(Cancelled),
            only_one_builds(tmp_path, token=CancelledWhen(lambda: bool(waited)), on_waiting=lambda: waited.append(1)),
        ):
            raise AssertionError("the lock was held by two")
        other.kill()
        other.wait()
    with only_one_builds(tmp_path, token=NeverCancelled(), on_waiting=lambda: waited.append(2)):
        assert waited == [1]


def test_it_can_be_taken_again_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ValueError, match="x"), only_one_builds(tmp_path, token=NeverCancelled(), on_waiting=pytest.fail):
            raise ValueError("x")
