"""Which command lines a calibration runs, and what it makes of their output."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.cluster.servers import servers_of
from engine.errors import RuntimeUnavailable
from engine.llama_cpp.command_lines import server_options_of
from engine.measuring import probes
from engine.measuring.bench_runs import BenchRuns
from engine.measuring.probe_files import ProbeFiles
from engine.planning.split_layers import split_layers
from engine.vocabulary.plan import PlanRequest, Policy
from tests.engine.planning.planning_cases import offer
from tests.fakes.llama_cpp.bench_program import bench_output
from tests.fakes.sessions.fake_outside import RECORDED, a_model


@pytest.fixture
def files():
    with ProbeFiles() as files:
        yield files


def runs_with(files, printed=bench_output):
    plan = split_layers(PlanRequest(model=a_model(), offers=(offer("a"),), policy=Policy.MEMORY))
    seen = []

    def run(argv):
        seen.append(argv)
        return printed(argv)

    options = server_options_of((RECORDED / "llama-bench-0c1e570" / "help.txt").read_text(encoding="utf-8"))
    server = servers_of(plan)[0]
    return BenchRuns(program="/x/llama-bench", options=options, plan=plan, servers=(server,), files=files, run=run), seen


def test_calls(files):
    runs, seen = runs_with(files)
    speed = runs.calls(offer("a"), 4)
    assert speed.overhead_seconds > 0
    tiny, cache = seen
    assert [part.rpartition("/")[2] for part in tiny[tiny.index("-m") + 1].split(",")] == ["calls-2.gguf", "calls-18.gguf"]
    assert cache[-2:] == ("-d", "0,512")
    assert tiny[tiny.index("-p") + 1] == "0"


def test_a_type(files):
    runs, seen = runs_with(files)
    speed = runs.type_speed("q8_0", offer("a"), runs.calls(offer("a"), 4))
    assert [size for size, _rate in speed.compute_by_ubatch] == list(probes.UBATCHES)
    pace, read, compute = seen[-3:]
    assert [pace[pace.index(option) + 1] for option in ("-n", "-p", "-ub")] == ["0", "32", "8"]
    assert [read[read.index(option) + 1] for option in ("-n", "-p")] == ["16", "0"]
    assert [compute[compute.index(option) + 1] for option in ("-n", "-p", "-ub")] == ["0", "256", "64"]
    assert compute[-2:] == ("-ub", "256")


def test_prompts_are_repeated_more_often_on_a_gpu(files):
    """The first after the warm-up is far from the others there."""
    for worker, times in ((offer("a"), "2"), (offer("a", "cuda:0"), "5")):
        runs, seen = runs_with(files)
        guess = runs.type_speed("q8_0", worker, runs.calls(worker, 4))
        assert seen[-1][seen[-1].index("-r") + 1] == times
        runs.anchored(guess, worker, replace(a_model(), path="/models/real.gguf"))
        prompt = seen[-2]
        assert prompt[prompt.index("-r") + 1] == times


def test_a_slow_worker_is_asked_for_less(files):
    runs, seen = runs_with(files, lambda argv: bench_output(argv, seconds_per_layer_token=0.1))
    calls = runs_with(files)[0].calls(offer("a"), 4)
    speed = runs.type_speed("q8_0", offer("a"), calls)
    read, compute = seen[-2:]
    assert read[read.index("-n") + 1] == str(probes.LEAST_READ_TOKENS)
    assert (compute[compute.index("-p") + 1], compute[compute.index("-ub") + 1]) == ("32", "32")
    assert [size for size, _rate in speed.compute_by_ubatch] == [8, 32]


def test_a_real_model_takes_the_place_of_the_plans(files):
    runs, seen = runs_with(files)
    model = replace(a_model(n_layers=3), path="/models/real.gguf")
    prefill, decode = runs.rates(model)
    assert prefill > decode > 0
    assert (seen[0][seen[0].index("-m") + 1], seen[0][seen[0].index("-ts") + 1]) == ("/models/real.gguf", "4")


def test_a_quick_model_anchors_in_a_deep_context_too(files):
    runs, seen = runs_with(files)
    calls = runs.calls(offer("a"), 4)
    guess = replace(runs.type_speed("q8_0", offer("a"), calls), kv_bytes_per_second=1e9, compute_by_ubatch=((8, 1e15),))
    del seen[:]
    speed = runs.anchored(guess, offer("a"), replace(a_model(), path="/models/real.gguf"))
    prompt, decode = seen
    assert (prompt[prompt.index("-p") + 1], prompt[prompt.index("-n") + 1], "-d" in prompt) == ("512", "0", False)
    assert (decode[decode.index("-p") + 1], decode[-2:]) == ("0", ("-d", "0,512"))
    assert speed.read_bytes_per_second != guess.read_bytes_per_second


def test_a_slow_model_anchors_in_an_empty_context(files):
    runs, seen = runs_with(files)
    guess = replace(runs.type_speed("q8_0", offer("a"), runs.calls(offer("a"), 4)), compute_by_ubatch=((8, 1e3),))
    runs.anchored(guess, offer("a"), replace(a_model(), path="/models/real.gguf"))
    assert seen[-1][-2:] == ("-d", "0")
    assert seen[-2][seen[-2].index("-p") + 1] == "32"


def test_an_anchor_that_was_not_timed_is_told(files):
    runs, _ = runs_with(files, lambda argv: bench_output(argv) if "-d" not in argv else ("error",))
    guess = runs.type_speed("q8_0", offer("a"), runs_with(files)[0].calls(offer("a"), 4))
    with pytest.raises(RuntimeUnavailable, match="did not time"):
        runs.anchored(guess, offer("a"), replace(a_model(), path="/models/real.gguf"))


def test_a_run_that_says_nothing_is_told(files):
    runs, _ = runs_with(files, lambda _argv: ("error: out of memory",))
    with pytest.raises(RuntimeUnavailable, match="did not time the calls"):
        runs.calls(offer("a"), 4)
    calls = runs_with(files)[0].calls(offer("a"), 4)
    with pytest.raises(RuntimeUnavailable, match="weights of the type q8_0"):
        runs.type_speed("q8_0", offer("a"), calls)
    with pytest.raises(RuntimeUnavailable, match="out of memory"):
        runs.rates(a_model())


def test_output_is_json():
    argv = ("llama-bench", "-m", "/x/a.gguf,/x/b.gguf", "-p", "256", "-n", "8", "-ub", "256", "-ub", "8,64", "-d", "0")
    lines = bench_output(argv)
    assert len(json.loads("\n".join(lines))) == 2 * (3 + 3)
