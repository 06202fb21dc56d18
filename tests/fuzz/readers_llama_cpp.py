"""Readers of what llama.cpp's files and programs say."""

from __future__ import annotations

import io
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from engine.errors import BadModelFile, CoordinatorUnusable, RpcServerUnusable, RuntimeUnavailable
from engine.llama_cpp import wire_protocol as wire
from engine.llama_cpp.answer_stream import parse_stream_line
from engine.llama_cpp.device_list import parse_device_list
from engine.llama_cpp.dialects import dialect_of
from engine.llama_cpp.gguf.gguf_header import read_gguf_header
from engine.llama_cpp.gguf.gguf_kind import PREFIX_BYTES, is_language_model
from engine.llama_cpp.gguf.kv_cache import kv_bytes_of_layer
from engine.llama_cpp.gguf.model_facts import read_model_facts
from engine.llama_cpp.server_log import ServerLog, message_of, readable
from engine.llama_cpp.server_metrics import decoding_slots, parse_metrics
from engine.machines.asking.rpc_asker import ask_port
from engine.measuring.bench_rows import rows_in
from engine.planning.split_layers import split_layers
from engine.process_parts.output_lines import lines_in
from engine.runtimes.describe_runtime import backends_of, parse_version
from engine.vocabulary.plan import PlanRequest, Policy, RunShape
from tests.engine.planning.planning_cases import GB, offer
from tests.fakes.llama_cpp.gguf_writer import (
    write_hybrid,
    write_latent,
    write_llama,
    write_moe,
    write_recurrent,
    write_sliding,
)
from tests.fuzz.bounds import Reader

TESTS = Path(__file__).parents[1]
RECORDED = TESTS / "recorded"
_HEADER = 48 * 1024
"""As much of a seed as holds the keys and tensors of the small models."""


def recordings(pattern: str) -> tuple[bytes, ...]:
    """What was recorded."""
    found = tuple(path.read_bytes() for path in sorted(RECORDED.glob(pattern)))
    assert found, pattern
    return found


@cache
def small_models() -> tuple[bytes, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.gguf"
        models = []
        for write in (write_llama, write_moe, write_sliding, write_latent, write_recurrent, write_hybrid):
            write(path)
            models.append(path.read_bytes()[:_HEADER])
    return tuple(models)


def read_gguf(content: bytes) -> None:
    """As a whole file that is as long as it must be; what passes is planned with."""
    header = read_gguf_header(io.BytesIO(content), size_bytes=max(len(content), 64 << 20), name="m.gguf")
    model = read_model_facts([("m.gguf", header)])
    for layer in model.layers[:50]:
        if layer.kv is not None:
            kv_bytes_of_layer(layer.kv, RunShape())
    offers = (offer("a", safe=8 * GB), offer("b", safe=8 * GB), offer("c", "cuda:0", safe=2 * GB))
    for policy in (Policy.EVEN, Policy.FASTEST):
        split_layers(PlanRequest(model=model, offers=offers, policy=policy))


class _Spoken:
    """A connection whose other side says these bytes, whatever it is asked, and then closes."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def sendall(self, data: bytes) -> None:
        """Heard by nobody."""

    def recv(self, most_bytes: int) -> bytes:
        """A bit at a time."""
        return self._left.read(min(most_bytes, 7))

    def settimeout(self, seconds: float | None) -> None:
        """It never waits."""

    def shutdown(self, how: int) -> None:
        """The first question is an empty one."""
        self._left = io.BytesIO(b"")

    def close(self) -> None:
        """Nothing to do."""


def ask_rpc(content: bytes) -> None:
    """An rpc-server that answers with these bytes."""
    ask_port(lambda *_: _Spoken(content), "127.0.0.1", 50052, timeout_seconds=0.5, is_own_address=True)


def read_wire(content: bytes) -> None:
    """Each answer by itself."""
    for read in (wire.answer_size, wire.parse_hello, wire.parse_device_count, wire.parse_device_memory):
        try:
            read(content)
        except RpcServerUnusable:
            continue


def read_log(content: bytes) -> None:
    """A log as it comes through the pipe."""
    log = ServerLog()
    for line in lines_in(content[at : at + 4096] for at in range(0, len(content), 4096)):
        log.feed(line)
        message_of(line)
        readable(line).encode("utf-8", "replace")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


_ANSWER = (3).to_bytes(8, "little") + bytes((1, 0, 0)) + (16).to_bytes(8, "little") + bytes(16)
_ANSWER_4 = (28).to_bytes(8, "little") + bytes((4, 0, 0, 0)) + bytes(24) + (4).to_bytes(8, "little") + bytes((2, 0, 0, 0))
_ROWS = b"""[
{"model_filename": "m.gguf", "n_prompt": 512, "n_gen": 0, "n_depth": 0, "n_ubatch": 512, "avg_ts": 10.5, "samples_ts": [10.5]}
]
"""
_SLOTS = (
    b'[{"id": 0, "is_processing": true, "id_task": 7, "next_token": [{"n_decoded": 12}]}, {"next_token": {"n_decoded": 1}}]'
)


@cache
def readers() -> tuple[Reader, ...]:
    """All of them."""
    models = small_models()
    logs = recordings("llama-server-*/*.log")
    helps = recordings("*/help.txt")
    return (
        Reader("gguf", models, read_gguf, (BadModelFile,)),
        Reader("gguf-kind", models, lambda content: is_language_model(content[:PREFIX_BYTES])),
        Reader("rpc-answers", (_ANSWER, _ANSWER_4 + (16).to_bytes(8, "little") + bytes(16)), ask_rpc, (RpcServerUnusable,)),
        Reader("rpc-payloads", (bytes((1, 0, 0)), bytes((4, 0, 0, 0)) + bytes(24), bytes(16), bytes(8)), read_wire),
        Reader("server-log", tuple(log[:20_000] for log in logs), read_log),
        Reader(
            "metrics", recordings("llama-server-*/metrics*.txt"), lambda c: parse_metrics(_text(c)), (CoordinatorUnusable,)
        ),
        Reader("slots", (_SLOTS,), lambda c: decoding_slots(_text(c))),
        Reader("answer-stream", recordings("llama-server-*/*_stream.txt"), _stream, (CoordinatorUnusable,)),
        Reader("help", helps, lambda c: dialect_of(_text(c)), (RuntimeUnavailable,)),
        Reader("device-list", recordings("*/device_list.txt"), _devices, (RuntimeUnavailable,)),
        Reader("bench-rows", (_ROWS,), lambda c: rows_in(tuple(lines_in((c,))))),
    )


def _stream(content: bytes) -> None:
    for line in _text(content).splitlines():
        piece = parse_stream_line(line)
        if piece is not None and piece.timings is not None:
            replace(piece.timings)


def _devices(content: bytes) -> None:
    text = _text(content)
    parse_version(text)
    backends_of(text, ("libggml-cuda.so",))
    parse_device_list(text)
