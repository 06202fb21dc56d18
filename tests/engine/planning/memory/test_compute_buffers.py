"""The formula for compute buffers against what llama.cpp itself reported: never under, and close."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from engine.planning.abstract_model import abstract_model
from engine.planning.memory.compute_buffers import PROCESS_BYTES, DeviceRole, compute_bytes, host_bytes
from engine.vocabulary.model import KvFacts, LayerFacts, ModelFacts
from engine.vocabulary.plan import RunShape

RECORDED = json.loads(
    (Path(__file__).parents[3] / "recorded" / "compute_buffers" / "llama-cpp-0c1e570.json").read_text(encoding="utf-8")
)
MIB = 1024 * 1024
ROUNDING = 0.01 * MIB
"""llama.cpp prints two digits of a MiB."""


def facts_of(sizes: dict[str, Any]) -> ModelFacts:
    head_dim = sizes.get("hd") or sizes["d"] // sizes["h"]
    keys = sizes["hk"] * head_dim
    period = sizes.get("full_every")
    layers = tuple(
        LayerFacts(
            weights_bytes=1,
            active_bytes=1,
            kv=KvFacts(
                k_elements_per_token=keys,
                v_elements_per_token=keys,
                sliding_window_tokens=sizes["swa"] if period and (index + 1) % period else None,
            ),
        )
        for index in range(sizes["L"])
    )
    experts = sizes.get("E", 0)
    return ModelFacts(
        path=None,
        name="recorded",
        architecture=sizes.get("arch", "llama"),
        size_label="",
        layers=layers,
        head_bytes=1,
        embedding_bytes=1,
        tied_embeddings=False,
        n_embd=sizes["d"],
        n_vocab=sizes["V"],
        n_head=sizes["h"],
        n_head_kv=sizes["hk"],
        n_ff=max(sizes["ff"], sizes["eff"] * sizes["Eu"]) if experts else sizes["ff"],
        n_experts=experts,
        n_experts_used=sizes.get("Eu", 0),
        training_context_tokens=None,
        total_bytes=0,
    )


def shape_of(run: dict[str, Any]) -> RunShape:
    return RunShape(
        context_tokens=run["context"],
        ubatch_tokens=run["ubatch"],
        slots=run["slots"],
        flash_attention=None if run["fa"] else False,
        cache_type_k=run["cache"],
        cache_type_v=run["cache"],
    )


def rows_of(run: dict[str, Any]) -> int | None:
    """llama-server reserves logits for one row per slot, llama-fit-params for the whole micro-batch."""
    return run["slots"] if run["program"] == "llama-server" else None


def device_cases() -> list[Any]:
    cases = []
    for run in RECORDED["runs"]:
        layers = [*run["split"][:-1], run["split"][-1] - 1]
        starts = [0, *accumulate(layers)]
        for index, mib in enumerate(run["devices_mib"]):
            where = (
                f"{run['program']}-{run['model']}-c{run['context']}-ub{run['ubatch']}-np{run['slots']}-{run['split']}-{index}"
            )
            cases.append(pytest.param(run, index, (starts[index], starts[index + 1]), mib, id=where))
    return cases


def predicted_for(run: dict[str, Any], index: int, span: tuple[int, int]) -> int:
    model = facts_of(RECORDED["models"][run["model"]])
    many = len(run["split"]) > 1
    role = DeviceRole(pipelined=many, is_first=index == 0, holds_output=index == len(run["split"]) - 1)
    return compute_bytes(model, shape_of(run), role, model.layers[slice(*span)], logit_rows=rows_of(run))


@pytest.mark.parametrize(("run", "index", "span", "mib"), device_cases())
def test_the_formula_is_never_under_and_close(run: dict[str, Any], index: int, span: tuple[int, int], mib: float) -> None:
    predicted = predicted_for(run, index, span)
    measured = mib * MIB
    assert predicted >= measured - ROUNDING
    assert predicted <= measured * 1.35 + 10 * MIB


def test_all_in_all_the_formula_is_within_a_tenth() -> None:
    predicted = sum(predicted_for(*case.values[:3]) for case in device_cases())
    measured = sum(case.values[3] for case in device_cases()) * MIB
    assert measured < predicted < 1.1 * measured


@pytest.mark.parametrize("run", RECORDED["runs"], ids=lambda run: f"{run['model']}-c{run['context']}-ub{run['ubatch']}")
def test_the_coordinators_own_buffers_are_never_under(run: dict[str, Any]) -> None:
    model = facts_of(RECORDED["models"][run["model"]])
    predicted = host_bytes(model, shape_of(run), pipelined=len(run["split"]) > 1) - PROCESS_BYTES
    measured = run["host_mib"] * MIB
    assert measured - ROUNDING <= predicted <= 1.35 * measured + 4 * model.n_vocab * run["slots"] + MIB


def test_layers_without_a_size_need_no_buffers() -> None:
    model = abstract_model(4)
    assert compute_bytes(model, RunShape(), DeviceRole(pipelined=True), model.layers) == 0
    assert host_bytes(model, RunShape(), pipelined=True) == 0


def test_an_architecture_that_was_not_measured_gets_a_wider_margin() -> None:
    sizes = RECORDED["models"]["base"]
    known, unknown = facts_of(sizes), facts_of({**sizes, "arch": "something-new"})
    role = DeviceRole(pipelined=True)
    assert compute_bytes(unknown, RunShape(), role, unknown.layers) > 1.15 * compute_bytes(
        known, RunShape(), role, known.layers
    )


def test_a_header_that_only_names_the_dense_width_is_corrected_from_the_bytes_of_the_experts() -> None:
    sizes = {**RECORDED["models"]["moe"], "Eu": 8, "eff": 2048}
    told = facts_of(sizes)
    expert_bytes = 3 * 1024 * 2048
    layer = LayerFacts(weights_bytes=16 * expert_bytes, active_bytes=8 * expert_bytes, kv=told.layers[0].kv)
    parameters = 6 * 16 * expert_bytes
    silent = facts_of({**sizes, "eff": 1, "ff": 512})
    silent = replace(silent, layers=(layer,) * 6, total_bytes=parameters, n_parameters=parameters)
    role = DeviceRole(pipelined=True)
    assert compute_bytes(silent, RunShape(), role, silent.layers) >= compute_bytes(told, RunShape(), role, told.layers)
