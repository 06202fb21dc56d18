"""From llama-bench's output to a speed."""

import json
from dataclasses import replace

import pytest

from engine.errors import RuntimeUnavailable
from engine.measuring.calibration import (
    LOOPBACK_OVERHEAD_SECONDS,
    PROMPT_TOKENS,
    active_bytes_of,
    busy_fraction,
    is_outdated,
    part_key,
    rates_in,
    speed_key,
    speed_of,
)
from engine.vocabulary.machine import MachineLoad
from tests.fakes.sessions.fake_outside import RUNTIME
from tests.fakes.states.cluster_pieces import a_model, hybrid_machine, offers_of

B1, B2 = replace(RUNTIME, id="b1"), replace(RUNTIME, id="b2")

ROWS = [{"n_prompt": 256, "n_gen": 0, "avg_ts": 415.5}, {"n_prompt": 0, "n_gen": 24, "avg_ts": 53.25}]
OUTPUT = ("load_backend: loaded", *json.dumps(ROWS, indent=2).splitlines(), "bye")


def test_how_busy_a_device_is():
    machine = hybrid_machine()
    load = MachineLoad(
        machine_id=machine.id,
        taken_at_seconds=1.0,
        cpu_busy_fraction=0.25,
        ram_available_bytes=None,
        gpu_busy_fractions=(0.75,) * len(machine.gpus),
    )
    expected = {"cpu": 0.25, "gpu": 0.75}
    for offer in offers_of(machine):
        assert busy_fraction(offer, machine, load) == expected[offer.kind.value]
        assert busy_fraction(offer, machine, None) is None
        assert busy_fraction(offer, None, load) is None
        assert busy_fraction(offer, machine, replace(load, cpu_busy_fraction=None, gpu_busy_fractions=())) is None


def test_a_measurement_holds_until_the_load_is_quite_another():
    speed = replace(speed_of(400.0, 50.0, a_model()), busy_fraction=0.1)
    assert [is_outdated(speed, now) for now in (0.0, 0.35, 0.45, None)] == [False, False, True, False]
    assert not is_outdated(replace(speed, busy_fraction=None), 0.9)
    assert not is_outdated(replace(speed, measured=False), 0.9)


def test_rates():
    assert rates_in(OUTPUT) == (415.5, 53.25)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("error: out of memory",),
        ("[", "not json", "]"),
        ("[", "]"),
        ("[", json.dumps(ROWS[0]), "]"),
        ("[", json.dumps({"n_prompt": 256, "avg_ts": 0.0}), ",", json.dumps(ROWS[1]), "]"),
        OUTPUT[:-3],
    ],
)
def test_output_without_both_rates(lines):
    with pytest.raises(RuntimeUnavailable, match="did not measure anything"):
        rates_in(lines)


def test_the_last_words_are_told():
    with pytest.raises(RuntimeUnavailable, match="out of memory"):
        rates_in(("error: out of memory", ""))


def test_the_speed_gives_back_the_measurement():
    model = a_model()
    speed = speed_of(400.0, 10.0, model)
    token_seconds = speed.overhead_seconds + active_bytes_of(model) / speed.read_bytes_per_second
    assert token_seconds == pytest.approx(0.1)
    assert speed.measured
    assert speed.overhead_seconds == LOOPBACK_OVERHEAD_SECONDS
    assert speed.compute_flops_per_second > 0


def test_a_part_has_a_name_of_its_own():
    cpu = offers_of(hybrid_machine())[0]
    assert part_key(cpu, B1, "calls") != part_key(cpu, B1, "type q4_K") != part_key(cpu, B2, "type q4_K")


def test_a_tiny_model_faster_than_the_overhead_still_has_a_speed():
    speed = speed_of(1e9, 1e6, a_model(1))
    assert 0 < speed.read_bytes_per_second < float("inf")
    assert 0 < speed.compute_flops_per_second < float("inf")


def test_the_head_is_read_and_the_embedding_is_not():
    model = a_model(2)
    assert active_bytes_of(model) == 2 * model.layers[0].active_bytes + model.head_bytes


def test_whatever_changes_the_speed_changes_the_key():
    cpu, gpu, _ = offers_of(hybrid_machine())
    model = a_model()
    keys = {
        speed_key(cpu, B1, model),
        speed_key(cpu, B2, model),
        speed_key(gpu, B1, model),
        speed_key(replace(cpu, threads=3), B1, model),
        speed_key(replace(cpu, machine_name="other"), B1, model),
        speed_key(cpu, B1, replace(model, name="other")),
        speed_key(cpu, B1, replace(model, total_bytes=model.total_bytes // 2)),  # another quantisation has the same name
        speed_key(cpu, replace(B1, commit="fffffff"), model),  # a newer build in the same folder
        speed_key(cpu, replace(B1, commit=None, build_number=2), model),
    }
    assert len(keys) == 9
    own = replace(B1, id="llama.cpp-0c1e570-cpu")
    assert speed_key(cpu, own, model) == speed_key(cpu, replace(own, commit=None, build_number=None), model)
    assert speed_key(replace(cpu, safe_bytes=1), B1, model) in keys
    assert PROMPT_TOKENS > 0
