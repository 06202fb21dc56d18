"""GGUF headers byte by byte, also wrong ones, which no proper writer would write. Format: llama.cpp's ggml/src/gguf.cpp."""

from __future__ import annotations

import struct
from collections.abc import Sequence

U32, STRING, ARRAY, BOOL, F32, U64 = 4, 8, 9, 7, 6, 10


def text(value: str | bytes) -> bytes:
    """A string with its length."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def key(name: str, kind: int, value: bytes) -> bytes:
    """A key with a value that is packed already."""
    return text(name) + struct.pack("<I", kind) + value


def number(name: str, value: int) -> bytes:
    """A key with a u32."""
    return key(name, U32, struct.pack("<I", value))


def string(name: str, value: str) -> bytes:
    """A key with a string."""
    return key(name, STRING, text(value))


def array(name: str, kind: int, length: int, entries: bytes) -> bytes:
    """A key with an array that says it is ``length`` long."""
    return key(name, ARRAY, struct.pack("<IQ", kind, length) + entries)


def numbers(name: str, values: Sequence[int]) -> bytes:
    """A key with an array of u32."""
    return array(name, U32, len(values), struct.pack(f"<{len(values)}I", *values))


def tensor(name: str, dimensions: Sequence[int], *, kind: int = 0, offset: int = 0, n_dimensions: int | None = None) -> bytes:
    """The description of a tensor."""
    count = len(dimensions) if n_dimensions is None else n_dimensions
    head = text(name) + struct.pack("<I", count) + struct.pack(f"<{len(dimensions)}Q", *dimensions)
    return head + struct.pack("<IQ", kind, offset)


def gguf(
    keys: Sequence[bytes] = (),
    tensors: Sequence[bytes] = (),
    *,
    version: int = 3,
    n_keys: int | None = None,
    n_tensors: int | None = None,
    data: int = 0,
) -> bytes:
    """A whole file with ``data`` bytes of weights."""
    n_keys = len(keys) if n_keys is None else n_keys
    n_tensors = len(tensors) if n_tensors is None else n_tensors
    header = b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_keys) + b"".join(keys) + b"".join(tensors)
    return header + bytes(-len(header) % 32) + bytes(data)
