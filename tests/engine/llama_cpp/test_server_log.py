"""The log parser, fed with what a real llama-server printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.llama_cpp import server_log as log
from engine.llama_cpp.layer_assignment import assign_layers
from engine.vocabulary.running.layer_map import ActualBuffers
from engine.vocabulary.worker import WorkerId

RECORDED = Path(__file__).parents[2] / "recorded" / "llama-server-0c1e570"
MIB = 1024 * 1024


def events_of(name: str) -> list[log.LogEvent]:
    parser = log.ServerLog()
    return [event for line in (RECORDED / name).read_text().splitlines() for event in parser.feed(line)]


def feed(*lines: str) -> list[log.LogEvent]:
    parser = log.ServerLog()
    return [event for line in lines for event in parser.feed(line)]


@pytest.mark.parametrize("name", ["load_and_answer.jsonl.log", "load_verbosity5_plain.log", "load_progress.jsonl.log"])
def test_every_layer_is_where_the_rule_says(name: str) -> None:
    """``-dev RPC1,RPC0 -ts 5,14``."""
    placed = {event.layer: event.device for event in events_of(name) if isinstance(event, log.LayerAssigned)}
    assert placed == {layer: ("RPC1", "RPC0")[device or 0] for layer, device in enumerate(assign_layers(18, (5, 14)))}


@pytest.mark.parametrize(
    "name",
    ["load_and_answer.jsonl.log", "load_verbosity5_plain.log", "load_verbosity4_plain.log", "worker_killed.jsonl.log"],
)
def test_a_load_tells_its_story_in_order(name: str) -> None:
    story = [event for event in events_of(name) if not isinstance(event, log.LayerAssigned | log.FatalError)]
    assert story[:3] == [
        log.DeviceUsed(name="RPC1", description="127.0.0.1:53902"),
        log.DeviceUsed(name="RPC0", description="127.0.0.1:53901"),
        log.LayersOffloaded(n_offloaded=19, n_layers=19),
    ]
    kinds = [event.kind for event in story if isinstance(event, log.BufferAllocated)]
    assert kinds == [log.BufferKind.WEIGHTS] * 3 + [log.BufferKind.KV] * 3 + [log.BufferKind.COMPUTE] * 3
    assert story.count(log.PipelineDecided(enabled=True)) == 1
    assert story[-2:] == [log.ModelLoaded(), log.Listening(url="http://127.0.0.1:53980")]


@pytest.mark.parametrize(
    ("name", "device", "description", "sentence", "endpoint"),
    [
        (
            "out_of_memory_itself.log",
            "CUDA0",
            "NVIDIA H100 80GB HBM3",
            "The coordinator's CUDA0 has no room for a buffer of 100,000 MiB.",
            None,
        ),
        (
            "out_of_memory_rpc.log",
            "RPC0",
            "127.0.0.1:18098",
            "The worker at 127.0.0.1:18098 has no room for a buffer of 100,000 MiB.",
            "127.0.0.1:18098",
        ),
    ],
)
def test_a_recorded_card_without_room(name: str, device: str, description: str, sentence: str, endpoint: str | None) -> None:
    parser = log.ServerLog()
    lines = (RECORDED.parent / "nvidia-h100" / name).read_text().splitlines()
    events = [event for line in lines for event in parser.feed(line)]
    assert log.DeviceUsed(name=device, description=description) in events
    assert {event.device for event in events if isinstance(event, log.LayerAssigned)} == {device}
    weights = [event for event in events if isinstance(event, log.BufferAllocated) and event.kind is log.BufferKind.WEIGHTS]
    assert sum(event.bytes for event in weights if event.buffer_name.startswith(device)) == pytest.approx(3815.33 * MIB, abs=1)
    said = next(event for event in events if isinstance(event, log.FatalError) and not event.vague)
    assert (said.sentence, said.endpoint) == (sentence, endpoint)


def test_buffers_of_a_worker_add_up() -> None:
    buffers: dict[tuple[str, int] | None, ActualBuffers] = {}
    for event in events_of("load_and_answer.jsonl.log"):
        if isinstance(event, log.BufferAllocated):
            owner = log.buffer_owner(event.buffer_name)
            known = buffers.get(owner, ActualBuffers(worker_id=WorkerId(str(owner))))
            buffers[owner] = log.with_buffer(known, event)
    first = buffers[("127.0.0.1:53901", 0)]
    assert (first.weights_bytes, first.kv_bytes) == (round(216.87 * MIB), round(13.5 * MIB))
    assert first.compute_bytes == round(16.29 * MIB)
    assert set(buffers) == {None, ("127.0.0.1:53901", 0), ("127.0.0.1:53902", 0)}


def test_a_compute_buffer_that_is_reported_again_replaces_the_first() -> None:
    event = log.BufferAllocated(kind=log.BufferKind.COMPUTE, buffer_name="CUDA0", bytes=8)
    known = ActualBuffers(worker_id="CUDA0", compute_bytes=32)
    assert log.with_buffer(known, event).compute_bytes == 8


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("RPC0[127.0.0.1:50052]", ("127.0.0.1:50052", 0)),
        ("RPC3[192.168.1.20:50053]", ("192.168.1.20:50053", 3)),
        ("RPC[127.0.0.1:50052]", ("127.0.0.1:50052", 0)),
        ("CPU_Mapped", None),
        ("CUDA0", None),
    ],
)
def test_buffer_owner(name: str, owner: tuple[str, int] | None) -> None:
    assert log.buffer_owner(name) == owner


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("CPU", "CPU"),
        ("CPU_Mapped", "CPU"),
        ("CPU_REPACK", "CPU"),
        ("Vulkan0", "Vulkan0"),
        ("CUDA_Host", "CUDA_Host"),
        ("RPC0[127.0.0.1:50052]", None),
    ],
)
def test_buffers_of_the_coordinators_own_devices(name: str, device: str | None) -> None:
    assert log.native_device_of(name) == device


def test_pages_of_the_file_are_told_from_what_was_allocated() -> None:
    known = ActualBuffers(worker_id="here/cpu")
    for name, size in (("CPU_Mapped", 100), ("CPU_REPACK", 40)):
        known = log.with_buffer(known, log.BufferAllocated(kind=log.BufferKind.WEIGHTS, buffer_name=name, bytes=size))
    assert (known.weights_bytes, known.mapped_bytes) == (140, 100)


def test_progress_is_the_fraction_of_bytes() -> None:
    fractions = [event.fraction for event in events_of("load_progress.jsonl.log") if isinstance(event, log.LoadProgressed)]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert any(0 < fraction < 1 for fraction in fractions)


def test_progress_of_the_weights_only() -> None:
    state = {"state": "loading", "payload": {"current": "mmproj_model", "value": 0.5}}
    assert feed("cmd_child_to_router:state:" + json.dumps(state)) == []


@pytest.mark.parametrize("wrapped", [False, True])
def test_dots_are_percents(wrapped: bool) -> None:
    lines = ["." * 30, "." * 60, "." * 20]
    if wrapped:
        lines = [json.dumps({"type": "log", "time": 1, "level": "info", "msg": line}, separators=(",", ":")) for line in lines]
    assert [event.fraction for event in feed(*lines) if isinstance(event, log.LoadProgressed)] == [0.3, 0.9, 1.0]


def test_no_word_of_the_pipeline_before_a_compute_buffer_means_none() -> None:
    lines = [line for line in (RECORDED / "load_verbosity4_plain.log").read_text().splitlines() if "pipeline" not in line]
    events = feed(*lines)
    assert events.count(log.PipelineDecided(enabled=False)) == 1
    decided = events.index(log.PipelineDecided(enabled=False))
    assert isinstance(events[decided + 1], log.BufferAllocated)


def test_a_retry_without_the_pipeline() -> None:
    assert feed(
        "llama_context: pipeline parallelism enabled",
        "sched_reserve: compute buffer allocation failed, retrying without pipeline parallelism",
        "sched_reserve: RPC0[h:1] compute buffer size =     1.00 MiB",
    ) == [
        log.PipelineDecided(enabled=True),
        log.PipelineDecided(enabled=False),
        log.BufferAllocated(kind=log.BufferKind.COMPUTE, buffer_name="RPC0[h:1]", bytes=MIB),
    ]


def test_recurrent_state_counts_as_kv() -> None:
    (event,) = feed("llama_memory_recurrent: RPC0[h:1] RS buffer size =     2.50 MiB")
    assert event == log.BufferAllocated(kind=log.BufferKind.KV, buffer_name="RPC0[h:1]", bytes=round(2.5 * MIB))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("worker_unreachable", "could not reach the rpc-server at 127.0.0.1:53902"),
        ("worker_killed", "A worker ended"),
        ("port_in_use", "could not listen on 127.0.0.1:53980"),
        ("not_a_model", "not a GGUF file"),
        ("no_such_model", "could not open /models/nonexistent.gguf: No such file"),
        ("out_of_memory", "The worker at 127.0.0.1:53901 has no room for a buffer of 585,937 MiB"),
        ("unknown_device", "refused the option -dev: invalid device: RPC7"),
    ],
)
def test_every_recorded_failure_is_one_sentence(name: str, sentence: str) -> None:
    errors = [event for event in events_of(f"{name}.jsonl.log") if isinstance(event, log.FatalError)]
    assert [error for error in errors if sentence in error.sentence] == errors
    assert len(errors) == 1
    assert errors[0].advice


@pytest.mark.parametrize("name", ["load_and_answer.jsonl.log", "load_verbosity5_plain.log", "load_progress.jsonl.log"])
def test_a_good_run_has_no_failure(name: str) -> None:
    assert not [event for event in events_of(name) if isinstance(event, log.FatalError)]


@given(st.text(max_size=200))
def test_any_line_is_survived(line: str) -> None:
    parser = log.ServerLog()
    for prefix in ("", '{"type":"log","msg":', "cmd_child_to_router:state:", "load_tensors: layer  9 assigned to device "):
        assert isinstance(parser.feed(prefix + line), tuple)


@pytest.mark.parametrize("line", ['{"type":"log","msg":' + "[" * 100_000, "cmd_child_to_router:state:" + "[" * 100_000])
def test_deep_nesting_is_survived(line: str) -> None:
    assert feed(line) == []


def test_a_wrapped_line_becomes_readable() -> None:
    wrapped = '{"type":"log","time":1,"level":"info","msg":"\\u001b[1msrv  load_model: loading\\n"}'
    assert log.readable(wrapped) == "I srv  load_model: loading"
    assert log.readable("0.00.741.818 D plain") == "0.00.741.818 D plain"
    assert log.readable('{"type":"log", broken') == '{"type":"log", broken'
