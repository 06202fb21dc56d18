"""Bytes of the cache: by hand, and against the lines of the real llama-server, to the last hundredth that it prints."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.llama_cpp.gguf.kv_cache import cells_of_layer, context_of_slot, kv_bytes_of_layer, kv_bytes_read
from engine.runtimes.model_files import GgufModelFiles
from engine.vocabulary.model import KvFacts, ModelFacts
from engine.vocabulary.plan import RunShape
from engine.vocabulary.runtime import Runtime
from tests.fakes.llama_cpp import gguf_writer

GQA = KvFacts(k_elements_per_token=128, v_elements_per_token=64)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (RunShape(context_tokens=4096), 4096),
        (RunShape(context_tokens=1), 256),
        (RunShape(context_tokens=4097), 4352),
        (RunShape(context_tokens=4096, slots=4), 1024),
        (RunShape(context_tokens=3000, slots=3), 1024),
        (RunShape(context_tokens=256, slots=4), 256),
        (RunShape(context_tokens=1, slots=256), 256),
    ],
)
def test_context_of_a_slot(shape: RunShape, expected: int) -> None:
    assert context_of_slot(shape) == expected
    assert cells_of_layer(GQA, shape) == expected * shape.slots


def test_more_slots_than_llama_cpp_has_are_refused_and_not_planned_without_a_cache() -> None:
    for shape in (RunShape(context_tokens=256, slots=257), RunShape(context_tokens=1 << 20, slots=300)):
        with pytest.raises(BadInput, match=r"llama\.cpp takes 256 slots at most"):
            kv_bytes_of_layer(GQA, shape)


def test_a_quantised_cache_that_would_cut_heads_is_refused_as_llama_cpp_refuses_it() -> None:
    phi = KvFacts(k_elements_per_token=2560, v_elements_per_token=2560, k_head_elements=80, v_head_elements=80)
    assert kv_bytes_of_layer(phi, RunShape(context_tokens=256)) == 256 * 2560 * 4
    for shape in (RunShape(cache_type_k="q8_0"), RunShape(cache_type_v="q4_0")):
        with pytest.raises(BadInput, match="of one head has 80 values, and the type packs 32 together"):
            kv_bytes_of_layer(phi, shape)
    assert kv_bytes_of_layer(phi, RunShape(cache_type_k="q8_0", flash_attention=False)) > 0
    whole = KvFacts(k_elements_per_token=2048, v_elements_per_token=2048, k_head_elements=64, v_head_elements=64)
    assert kv_bytes_of_layer(whole, RunShape(context_tokens=256, cache_type_k="q8_0", cache_type_v="q8_0")) > 0


@pytest.mark.parametrize(
    ("window", "shape", "expected"),
    [
        (512, RunShape(context_tokens=4096, ubatch_tokens=512), 1024),
        (512, RunShape(context_tokens=4096, ubatch_tokens=256), 768),
        (500, RunShape(context_tokens=4096, ubatch_tokens=100), 768),
        (4096, RunShape(context_tokens=2048), 2048),
        (512, RunShape(context_tokens=8192, slots=2), 1536),
        (512, RunShape(context_tokens=8192, batch_tokens=64, ubatch_tokens=512), 768),
        (512, RunShape(context_tokens=8192, batch_tokens=1024, ubatch_tokens=0), 1536),
        (100, RunShape(context_tokens=100, ubatch_tokens=256), 256),
    ],
)
def test_cells_of_a_sliding_layer(window: int, shape: RunShape, expected: int) -> None:
    assert cells_of_layer(KvFacts(k_elements_per_token=1, sliding_window_tokens=window), shape) == expected


@pytest.mark.parametrize(
    ("cache_type", "k_bytes"),
    [
        ("f32", 512),
        ("f16", 256),
        ("bf16", 256),
        ("q8_0", 136),
        ("q4_0", 72),
        ("q4_1", 80),
        ("q5_0", 88),
        ("q5_1", 96),
        ("iq4_nl", 72),
    ],
)
def test_bytes_by_cache_type(cache_type: str, k_bytes: int) -> None:
    shape = RunShape(context_tokens=1024, cache_type_k=cache_type, cache_type_v="f16")
    assert kv_bytes_of_layer(GQA, shape) == 1024 * (k_bytes + 128)
    shape = RunShape(context_tokens=1024, cache_type_k="f16", cache_type_v=cache_type)
    assert kv_bytes_of_layer(GQA, shape) == 1024 * (256 + k_bytes // 2)


def test_a_token_reads_the_cells_before_it_and_none_that_are_empty() -> None:
    cell = 2 * (128 + 64)
    assert kv_bytes_read(GQA, RunShape(context_tokens=1024), 10) == 10 * cell
    assert kv_bytes_read(GQA, RunShape(context_tokens=100), 1024) == 100 * cell
    assert kv_bytes_read(GQA, RunShape(context_tokens=100), 0) == cell
    sliding = KvFacts(k_elements_per_token=128, v_elements_per_token=64, sliding_window_tokens=32)
    assert kv_bytes_read(sliding, RunShape(context_tokens=1024), 1000) == 32 * cell
    assert kv_bytes_read(KvFacts(recurrent_bytes_per_sequence=7), RunShape(slots=4), 1000) == 7


def test_without_flash_attention_v_is_as_wide_as_the_widest() -> None:
    facts = KvFacts(k_elements_per_token=64, v_elements_per_token=32, v_elements_without_flash_attention=128)
    assert kv_bytes_of_layer(facts, RunShape(context_tokens=256)) == 256 * 2 * (64 + 32)
    assert kv_bytes_of_layer(facts, RunShape(context_tokens=256, flash_attention=False)) == 256 * 2 * (64 + 128)
    assert kv_bytes_of_layer(GQA, RunShape(context_tokens=256, flash_attention=False)) == 256 * 2 * (128 + 64)


def test_a_state_is_kept_per_slot_whatever_the_context() -> None:
    facts = KvFacts(recurrent_bytes_per_sequence=1000)
    assert {kv_bytes_of_layer(facts, RunShape(context_tokens=size, slots=3)) for size in (256, 100_000)} == {3000}


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        (RunShape(context_tokens=0), "0 tokens of context"),
        (RunShape(slots=0), "0 slots"),
        (RunShape(batch_tokens=0), "batches of 0"),
        (RunShape(cache_type_k="q3_K"), "'q3_K'"),
        (RunShape(cache_type_v="nonsense"), "'nonsense'"),
    ],
)
def test_refuses(shape: RunShape, what: str) -> None:
    with pytest.raises(BadInput, match=re.escape(what)):
        kv_bytes_of_layer(GQA, shape)


SHAPES = (
    RunShape(context_tokens=4096),
    RunShape(context_tokens=3000, slots=3, ubatch_tokens=128, cache_type_k="q8_0", cache_type_v="q8_0"),
)
WRITERS: dict[str, Callable[[Path], Path]] = {
    "llama": gguf_writer.write_llama,
    "heavy head": gguf_writer.write_heavy_head,
    "experts": gguf_writer.write_moe,
    "sliding": gguf_writer.write_sliding,
    "latent": gguf_writer.write_latent,
    "recurrent": gguf_writer.write_recurrent,
    "hybrid": gguf_writer.write_hybrid,
}


@pytest.fixture(scope="module")
def rpc_server(runtime: Runtime) -> Iterator[str]:
    """A real worker on this machine's CPU."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    argv = [runtime.rpc_server, "-d", "CPU", "-t", "1", "-H", "127.0.0.1", "-p", port]
    worker = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        worker.kill()
        worker.wait()


@contextmanager
def llama_server(runtime: Runtime, endpoint: str, model: str, shape: RunShape, log: Path) -> Iterator[str]:
    """A real llama-server with the whole model on the worker. Gives its address once it listens."""
    options = {
        "-m": model,
        "--rpc": endpoint,
        "-dev": "RPC0",
        "-ngl": "999",
        "-fit": "off",
        "-c": str(shape.context_tokens),
        "-np": str(shape.slots),
        "-b": str(shape.batch_tokens),
        "-ub": str(shape.ubatch_tokens),
        "-ctk": shape.cache_type_k,
        "-ctv": shape.cache_type_v,
        "--cache-ram": "0",
        "-lv": "4",
        "-t": "1",
        "--host": "127.0.0.1",
        "--port": "0",
    }
    argv = [runtime.llama_server or "", "--no-warmup", *(word for pair in options.items() for word in pair)]
    with log.open("w") as output:
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield wait_for_address(server, log)
    finally:
        server.kill()
        server.wait()


def wait_for_address(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"listening on (http://\S+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.05)
    pytest.fail(f"llama-server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def tokens_answered(address: str) -> int:
    """Ask for four tokens, as soon as the model is loaded (503 before)."""
    body = json.dumps({"prompt": "Hello", "n_predict": 4, "ignore_eos": True}).encode()
    request = urllib.request.Request(f"{address}/completion", body, {"Content-Type": "application/json"})
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return int(json.load(answer)["tokens_predicted"])
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 503 or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def expected_buffers(model: ModelFacts, shape: RunShape) -> list[str]:
    """The buffers as llama.cpp groups them: full attention, sliding, recurrent."""
    full = sum(kv_bytes_of_layer(layer.kv, shape) for layer in model.layers if _is(layer.kv, sliding=False))
    sliding = sum(kv_bytes_of_layer(layer.kv, shape) for layer in model.layers if _is(layer.kv, sliding=True))
    states = sum(shape.slots * layer.kv.recurrent_bytes_per_sequence for layer in model.layers)
    return sorted(f"{size / 2**20:.2f}" for size in (full, sliding, states) if size)


def _is(kv: KvFacts, *, sliding: bool) -> bool:
    return bool(kv.k_elements_per_token) and (kv.sliding_window_tokens is not None) is sliding


def check_against_the_real_program(runtime: Runtime, endpoint: str, path: str, shape: RunShape, log: Path) -> None:
    with llama_server(runtime, endpoint, path, shape, log) as address:
        assert tokens_answered(address) == 4
    lines = log.read_text(errors="replace")
    model = GgufModelFiles().read(path)
    assert sorted(re.findall(r"(?:KV|RS) buffer size = +([\d.]+) MiB", lines)) == expected_buffers(model, shape)
    weights = sum(layer.weights_bytes for layer in model.layers) + model.head_bytes
    assert re.findall(r" RPC0\S* model buffer size = +([\d.]+) MiB", lines) == [f"{weights / 2**20:.2f}"]


@pytest.mark.real
@pytest.mark.parametrize("shape", SHAPES, ids=["one slot", "three slots, q8_0"])
@pytest.mark.parametrize("kind", WRITERS)
def test_the_real_program_agrees(runtime: Runtime, rpc_server: str, tmp_path: Path, kind: str, shape: RunShape) -> None:
    path = WRITERS[kind](tmp_path / "model.gguf")
    check_against_the_real_program(runtime, rpc_server, str(path), shape, tmp_path / "server.log")


@pytest.mark.real
@pytest.mark.parametrize("shape", SHAPES, ids=["one slot", "three slots, q8_0"])
def test_the_real_program_agrees_on_a_real_model(
    runtime: Runtime, rpc_server: str, gemma_model: str, tmp_path: Path, shape: RunShape
) -> None:
    check_against_the_real_program(runtime, rpc_server, gemma_model, shape, tmp_path / "server.log")
