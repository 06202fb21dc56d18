"""The recovery in ``status --json``."""

import json

from engine.session.recovering.as_json import recovery_json
from tests.fakes.states.cluster_pieces import CUDA_ID
from tests.fakes.states.cluster_states import ready
from tests.fakes.states.recovery_states import HAPPENED, back, missing, waiting


def test_nothing_broke():
    document = recovery_json(ready())
    assert (document["mode"], document["step"], document["history"]) == ("automatic", "none", [])
    assert document["happened"] is document["cause"] is document["told"] is None


def test_it_waits():
    document = recovery_json(waiting())
    assert (document["step"], document["cause"], document["attempt"]) == ("waiting", "worker ended", 3)
    assert document["workers"] == [CUDA_ID]
    assert document["happened"] == HAPPENED
    assert round(document["next_try_in_seconds"], 1) == 3.4
    assert document["cures"] == ["no flash attention"]
    assert json.loads(json.dumps(document)) == document


def test_what_is_missing():
    document = recovery_json(missing())
    assert document["machines_away"] == ["gpu-node"]
    assert "gpu-node with 9.6 GB is not reachable." in document["missing"]


def test_what_it_cost():
    (cost,) = recovery_json(back())["history"]
    assert cost["told"].startswith("Back in 41 s on 2 workers")
    assert (cost["workers"], cost["workers_before"]) == (2, 3)
    assert (cost["decode_tokens_per_second"], cost["decode_is_measured"]) == (15.0, True)
