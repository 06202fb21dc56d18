"""By clicks only: three machines, found and given our build, to the first token in under five minutes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.lab.on_the_desk import wait_until_hosts_are_as_before
from tests.end_to_end.lab.window.at_the_window import NAMES, walk

pytestmark = [pytest.mark.real, pytest.mark.display, pytest.mark.timeout(300)]

FIRST_TOKEN_SECONDS = 300.0


def test_three_machines_to_the_first_token(clean_lab, runtime, gemma_model, tmp_path):
    pictures = tmp_path / "pictures"
    with clean_lab.watch_exposure() as watch:
        journey = walk(clean_lab, Path(runtime.rpc_server).parent, Path(gemma_model), pictures)
    print(json.dumps(journey, indent=1))
    assert journey["matches"]
    assert journey["machines"] == list(NAMES)
    assert journey["answer"].strip()
    assert journey["seconds"]["first token"] < FIRST_TOKEN_SECONDS
    assert watch.seen == set()
    assert len(list(pictures.glob("*.png"))) >= len(journey["seconds"])
    wait_until_hosts_are_as_before(clean_lab)
