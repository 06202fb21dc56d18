"""The promised keys."""

import json
from dataclasses import replace

import pytest

from engine.planning.policies.moved_boundary import moved_boundary, seats_of_workers
from engine.session import events
from engine.session.reducing.reduce import reduce
from engine.session.state import ClusterState
from engine.session.telling.as_json import machine_json, map_json, plan_json, state_json, timings_json
from tests.fakes.sessions.fake_outside import Fakes, planned_session, settle
from tests.fakes.states.cluster_pieces import hybrid_machine, refused, timings
from tests.fakes.states.cluster_states import every_state, map_mismatch, plan_shown, ready

PLAN = {
    "policy", "layout", "n_layers", "workers", "tensor_split", "device_order", "predicted", "refused", "commands", "notes",
}  # fmt: skip
WORKER = {
    "id", "machine", "device", "kind", "endpoint", "layers", "n_layers", "holds_output", "weights_bytes", "kv_bytes",
    "compute_bytes", "safe_bytes", "exposure",
}  # fmt: skip


def test_a_plan():
    state = plan_shown()
    document = plan_json(state.plan, state.commands)
    assert set(document) == PLAN
    assert all(set(worker) == WORKER for worker in document["workers"])
    assert set(document["predicted"]) == {"decode_tokens_per_second", "prefill_tokens_per_second", "basis"}
    assert [worker["layers"] for worker in document["workers"]] == [[0, 21], [22, 49], [50, 63]]
    assert sum(document["tensor_split"]) == document["n_layers"] + 1
    assert document["refused"] is None
    assert set(document["commands"][0]) == {"title", "machine", "argv", "shell"}


def test_a_refusal_has_the_same_keys():
    document = plan_json(refused())
    assert set(document) == PLAN
    assert document["refused"] == list(refused().reasons)
    assert document["predicted"]["decode_tokens_per_second"] is None
    assert document["workers"] == []


def test_a_map():
    document = map_json(map_mismatch().run.layer_map)
    assert set(document) == {"matches", "complete", "planned", "actual", "differences"}
    assert document["matches"] is False
    assert document["actual"]["46"] == "CPU"
    assert set(document["differences"]) == {8, 9, 10, 11, 46, 47}
    assert map_json(ready().run.layer_map)["matches"] is True


@pytest.mark.parametrize("make", every_state().values(), ids=every_state())
def test_every_state_can_be_written_with_the_same_keys(make):
    document = state_json(make())
    assert json.loads(json.dumps(document)) == document
    assert set(document) == set(state_json(ClusterState()))


def test_a_running_state():
    document = state_json(ready())
    assert document["phase"] == "ready"
    assert document["measured"] == timings_json(timings())
    assert document["map"]["matches"] is True
    assert {process["phase"] for process in document["processes"]} == {"ready"}
    assert len(document["buffers"]) == 3


def test_the_commands_of_a_run_are_those_that_run_whatever_is_chosen_meanwhile():
    session, _jobs = planned_session(Fakes())
    session.launch()
    run = settle(session)
    before = state_json(run)["plan"]
    assert before["commands"][0]["argv"][1:5] == ["-H", "127.0.0.1", "-p", before["workers"][0]["endpoint"].split(":")[1]]
    assert before["commands"][0]["shell"].startswith("sh -c")
    split = moved_boundary(seats_of_workers(run.plan.used_workers), 0, 1)
    edited = reduce(run, events.ChoicesChanged(choices=replace(run.choices, given=split)))
    assert edited.plan.tensor_split != edited.run.plan.tensor_split
    after = state_json(edited)["plan"]
    assert after == before
    (llama_server,) = [command["argv"] for command in after["commands"] if command["title"] == "llama-server"]
    assert llama_server[llama_server.index("-ts") + 1] == ",".join(map(str, after["tensor_split"]))


def test_a_machine():
    document = machine_json(hybrid_machine())
    assert [gpu["runtime_device"] for gpu in document["gpus"]] == ["CUDA0", "Vulkan0"]
    assert document["cpu"]["physical_cores"] == 16


def test_no_timings():
    assert timings_json(None) is None
