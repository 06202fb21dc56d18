"""Small made-up models that time one thing each: a type of weights, the calls, the cache.

A llama of the shape that is asked for, with noise for weights: what is timed does not depend on their values. Every byte is
``0x2?``, so that whatever it becomes part of (a scale in f16, an f32, an exponent of MXFP4) is a small, normal, positive
number: not-a-number would be as fast, but subnormal ones are slow on some processors. No vocabulary is stored: llama-bench
needs none (``tokenizer.ggml.model = no_vocab``), llama-server would.

Rejected: the ``gguf`` package (numpy with it, for 60 lines) and shipping files (80 MB per type).
"""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from engine.llama_cpp.gguf.gguf_header import read_gguf_header
from engine.llama_cpp.gguf.model_facts import read_model_facts
from engine.llama_cpp.gguf.tensor_types import TENSOR_TYPES, TensorType
from engine.vocabulary.model import ModelFacts

_VERSION, _U32, _F32, _STRING = 3, 4, 6, 8
_ALIGNMENT = 32
_CHUNK = 1 << 20
_BY_NAME = MappingProxyType({kind.name: (number, kind) for number, kind in TENSOR_TYPES.items()})
_TO_SMALL_BYTES = bytes(0x20 | (value & 0x0F) for value in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticModel:
    """The shape of one. ``width`` and ``feed_forward`` are multiples of 256, which every type can be cut into."""

    name: str
    """File name without its ending."""
    weights: str
    """ggml type of all matrices of the layers."""
    n_layers: int
    width: int
    feed_forward: int
    n_head: int
    n_head_kv: int
    head_length: int
    n_vocab: int = 512
    context_tokens: int = 8192

    @property
    def file_name(self) -> str:
        """In whatever folder."""
        return f"{self.name}.gguf"


def write_synthetic(model: SyntheticModel, folder: Path) -> ModelFacts:
    """Write it into the folder; the same bytes every time. Raises ``OSError``."""
    header, n_bytes = _header(model)
    path = folder / model.file_name
    with path.open("wb") as out:
        out.write(header)
        for chunk in _noise(n_bytes):
            out.write(chunk)
    return synthetic_facts(model, str(path))


def synthetic_facts(model: SyntheticModel, path: str) -> ModelFacts:
    """Its facts, as they are read from its header."""
    header, n_bytes = _header(model)
    read = read_gguf_header(io.BytesIO(header), size_bytes=len(header) + n_bytes, name=model.file_name)
    return read_model_facts([(path, read)])


def _header(model: SyntheticModel) -> tuple[bytes, int]:
    """Everything before the weights, and how many bytes of weights follow."""
    keys = _keys(model)
    tensors = _tensors(model)
    described, offset = [], 0
    for name, kind_name, shape in tensors:
        number, kind = _BY_NAME[kind_name]
        described.append(_text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, number, offset))
        offset += -(-_size(kind, shape) // _ALIGNMENT) * _ALIGNMENT
    header = b"GGUF" + struct.pack("<IQQ", _VERSION, len(tensors), len(keys)) + b"".join(keys) + b"".join(described)
    return header + bytes(-len(header) % _ALIGNMENT), offset


def _keys(model: SyntheticModel) -> list[bytes]:
    numbers = {
        "block_count": model.n_layers,
        "context_length": model.context_tokens,
        "embedding_length": model.width,
        "feed_forward_length": model.feed_forward,
        "attention.head_count": model.n_head,
        "attention.head_count_kv": model.n_head_kv,
        "attention.key_length": model.head_length,
        "attention.value_length": model.head_length,
        "rope.dimension_count": model.head_length,
        "vocab_size": model.n_vocab,
    }
    return [
        _text("general.architecture") + struct.pack("<I", _STRING) + _text("llama"),
        _text("general.name") + struct.pack("<I", _STRING) + _text(model.name),
        _text("tokenizer.ggml.model") + struct.pack("<I", _STRING) + _text("no_vocab"),
        _text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", _F32, 1e-5),
        *(_text(f"llama.{name}") + struct.pack("<II", _U32, value) for name, value in numbers.items()),
    ]


def _tensors(model: SyntheticModel) -> list[tuple[str, str, tuple[int, ...]]]:
    """(name, type, shape), elements of a row first."""
    width, queries, keys = model.width, model.n_head * model.head_length, model.n_head_kv * model.head_length
    tensors: list[tuple[str, str, tuple[int, ...]]] = [
        ("token_embd.weight", "f16", (width, model.n_vocab)),
        ("output_norm.weight", "f32", (width,)),
        ("output.weight", "f16", (width, model.n_vocab)),
    ]
    shapes = {
        "attn_q": (width, queries),
        "attn_k": (width, keys),
        "attn_v": (width, keys),
        "attn_output": (queries, width),
        "ffn_gate": (width, model.feed_forward),
        "ffn_up": (width, model.feed_forward),
        "ffn_down": (model.feed_forward, width),
    }
    for layer in range(model.n_layers):
        tensors += [(f"blk.{layer}.{name}.weight", "f32", (width,)) for name in ("attn_norm", "ffn_norm")]
        tensors += [(f"blk.{layer}.{name}.weight", model.weights, shape) for name, shape in shapes.items()]
    return tensors


def _size(kind: TensorType, shape: tuple[int, ...]) -> int:
    return kind.row_bytes(shape[0]) * (shape[1] if len(shape) > 1 else 1)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _noise(n_bytes: int) -> Iterator[bytes]:
    """One random megabyte over and over: nothing looks at values, and making 80 MB of them would take longer than the run."""
    block = random.Random(1).randbytes(_CHUNK).translate(_TO_SMALL_BYTES)  # noqa: S311 - not a secret
    for start in range(0, n_bytes, _CHUNK):
        yield block[: n_bytes - start]
