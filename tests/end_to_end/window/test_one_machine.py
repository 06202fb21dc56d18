"""One machine and nothing else: a first run, a split by hand, a lost worker, measured plans, a saved file, a closed window."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.crossply_programs import listening_addresses, processes_of, wait_until_nothing_is_left
from tests.end_to_end.window.at_one_machine import walk

pytestmark = [pytest.mark.real, pytest.mark.display, pytest.mark.timeout(420)]

DRIVER = "tests.end_to_end.window.one_machine_driver"
LONGEST_SECONDS = 400.0
"""110 on a machine that does nothing else, of which 80 running six plans."""
NOT_MEASURED = "–"
LOOPBACK = {"127.0.0.1", "::1"}


def test_one_machine(app_environment, gemma_model, tmp_path):
    pictures, listened = tmp_path / "pictures", set()

    def look():
        for process in processes_of(app_environment):
            with suppress(psutil.Error):  # it may have ended meanwhile
                listened.update(listening_addresses([process]))

    told = walk(
        app_environment, tmp_path / "home", Path(gemma_model), DRIVER, str(pictures), seconds=LONGEST_SECONDS, meanwhile=look
    )
    print(json.dumps(told, indent=1))
    wait_until_nothing_is_left(app_environment)
    assert listened
    assert {address for address, _port in listened} <= LOOPBACK

    assert told["clicks"] <= 3
    assert told["first answer"].strip()
    assert told["stopped in the middle"]
    assert told["called"] == "Yours"
    assert told["matches"]
    assert told["actual split"] == [6, 12]
    assert not told["as a chat"]
    assert told["answer"].strip()

    cost, happened = told["said"]
    assert cost.startswith("Back in ")
    assert "on the same 2 workers" in cost
    assert told["problems"] == []
    assert told["endpoint"] in happened
    assert "SIGKILL" in happened

    yours = told["columns"]["Yours, moved by hand"]
    assert told["chosen"] == "Yours"
    assert told["split afterwards"] == [6, 12]
    assert NOT_MEASURED not in (yours["Decode, predicted"], yours["Decode, measured"], yours["Prefill, measured"])
    assert len(told["runs"]) >= 2 + 3 * 2

    saved = (pictures / "desk.crossply.toml").read_text()
    assert "[run]" in saved
    assert len(list(pictures.glob("*.png"))) >= len(told["seconds"])
