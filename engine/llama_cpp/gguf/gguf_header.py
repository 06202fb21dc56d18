"""Reads the header of a GGUF file: bytes in, keys and tensor descriptions out. Never reads a weight.

The format is ggml/src/gguf.cpp (``gguf_init_from_reader``), and the same things are refused that llama.cpp refuses there.
Arrays of strings (the vocabulary) are walked over, not kept: only their length is. Time and memory are bounded whatever the
file says: every count has a limit, and the header as a whole may not be larger than ``MAX_HEADER_BYTES``.

Rejected: the ``gguf`` package (11-15 s and 765 MB for a 262k vocabulary, endless loops on hostile counts) and memory-mapping
(a truncated or shrinking file on a network share then kills the process with SIGBUS).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, NoReturn

from engine.errors import BadModelFile
from engine.llama_cpp.gguf.tensor_types import TENSOR_TYPES

MAX_HEADER_BYTES: Final = 256 << 20
"""Real headers are under 50 MB, nearly all of it vocabulary."""
MAX_KEYS: Final = 20_000
MAX_TENSORS: Final = 100_000
"""The largest published models have about 3000."""
MAX_STRINGS_IN_ARRAYS: Final = 4_000_000
"""In the whole file: vocabulary and merges of the largest published models together are under a million."""
MAX_KEY_BYTES: Final = 65_535
MAX_KEPT_STRING_BYTES: Final = 4096
"""Longer strings (chat templates, licences) are skipped."""
MAX_KEPT_ARRAY: Final = 4096
"""Longer arrays are skipped. llama.cpp has at most 512 layers (llama-hparams.h, ``LLAMA_MAX_LAYERS``)."""
MAX_DIMENSIONS: Final = 4
MAX_TENSOR_NAME_BYTES: Final = 63
"""ggml.h: ``GGML_MAX_NAME`` is 64 with the final zero."""

_CHUNK: Final = 1 << 20
_STRING, _ARRAY = 8, 9
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

Value = int | float | bool | str | tuple[int | float | bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """One tensor as the header describes it. ``offset`` counts from the start of the data section."""

    name: str
    dimensions: tuple[int, ...]
    type_number: int
    offset: int
    n_elements: int
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """What a GGUF file says before its weights begin."""

    version: int
    values: Mapping[str, Value]
    """Scalars, strings (empty ones for those too long to keep) and short arrays of numbers."""
    array_lengths: Mapping[str, int]
    """Length of every array, also of those that were skipped."""
    tensors: tuple[TensorInfo, ...]
    data_offset: int


def read_gguf_header(file: BinaryIO, *, size_bytes: int, name: str) -> GgufHeader:
    """Read the header of the seekable ``file``, which is ``size_bytes`` long. ``name`` is for the error's sentence.

    Raises ``BadModelFile``, and nothing else, for whatever the bytes may be. An ``OSError`` of the file passes through.
    """
    return _Reader(file, size_bytes, name).header()


class _Reader:
    """A window on the file that moves forward."""

    def __init__(self, file: BinaryIO, size_bytes: int, name: str) -> None:
        self._file = file
        self._size = size_bytes
        self._limit = min(size_bytes, MAX_HEADER_BYTES)
        self._name = name
        self._strings_left = MAX_STRINGS_IN_ARRAYS
        self._window = b""
        self._start = 0
        self._at = 0

    def header(self) -> GgufHeader:
        version = self._version()
        n_tensors = self._count("tensors", MAX_TENSORS)
        n_keys = self._count("keys", MAX_KEYS)
        values, lengths = self._keys(n_keys)
        alignment = self._alignment(values)
        tensors = self._tensors(n_tensors)
        data_offset = _padded(self._start + self._at, alignment) if tensors else self._start + self._at
        self._check_layout(tensors, alignment, data_offset)
        return GgufHeader(version=version, values=values, array_lengths=lengths, tensors=tensors, data_offset=data_offset)

    def _version(self) -> int:
        if self._size < 4 or self._bytes(4) != b"GGUF":
            self._refuse("is not a GGUF file: it does not begin with the letters GGUF")
        version = self._number("I")
        if version and version & 0xFFFF == 0:
            self._refuse("is a GGUF file for big-endian machines, which llama.cpp cannot load here")
        if version not in (2, 3):
            self._refuse(f"has GGUF version {version}; llama.cpp reads versions 2 and 3")
        return version

    def _count(self, what: str, limit: int) -> int:
        count = self._number("Q")
        if count > limit:
            self._refuse(f"says it has {count} {what}; more than {limit} is not a model")
        return count

    def _keys(self, n_keys: int) -> tuple[dict[str, Value], dict[str, int]]:
        values: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        seen: set[str] = set()
        for _ in range(n_keys):
            key = self._text(MAX_KEY_BYTES, "the name of a key")
            if not key or key in seen:
                self._refuse(f"has the key {key!r} twice" if key else "has a key without a name")
            seen.add(key)
            value = self._value(key, lengths)
            if value is not None:
                values[key] = value
        return values, lengths

    def _value(self, key: str, lengths: dict[str, int]) -> Value | None:
        kind = self._number("I")
        if kind == _ARRAY:
            return self._array(key, lengths)
        if kind == _STRING:
            length = self._number("Q")
            return self._string_or_skip(length)
        if kind not in _SCALARS:
            self._refuse(f"has the key {key!r} with the unknown type {kind}")
        return self._scalars(_SCALARS[kind], 1)[0]

    def _string_or_skip(self, length: int) -> str:
        if length > MAX_KEPT_STRING_BYTES:
            self._skip(length)
            return ""
        return _decoded(self._bytes(length))

    def _array(self, key: str, lengths: dict[str, int]) -> Value | None:
        kind = self._number("I")
        length = self._number("Q")
        lengths[key] = length
        if kind == _STRING:
            self._skip_strings(key, length)
            return None
        if kind not in _SCALARS:
            what = "is an array of arrays" if kind == _ARRAY else f"is an array of the unknown type {kind}"
            self._refuse(f"has the key {key!r}, which {what}")
        code = _SCALARS[kind]
        if length > MAX_KEPT_ARRAY:
            self._skip(length * struct.calcsize(f"<{code}"))
            return None
        return self._scalars(code, length)

    def _skip_strings(self, key: str, count: int) -> None:
        """Walk over ``count`` strings. The inner loop is the hot one of this module: about 0.1 s for 500,000 strings."""
        self._strings_left -= count
        if self._strings_left < 0:
            self._refuse(f"says that {key!r} has {count} entries; more than {MAX_STRINGS_IN_ARRAYS} is not a vocabulary")
        read_length = struct.Struct("<Q").unpack_from
        while count:
            window, at = self._window, self._at
            end = len(window) - 8
            while count and at <= end:
                following = at + 8 + read_length(window, at)[0]
                if following > end:
                    break
                at = following
                count -= 1
            self._at = at
            if count:
                self._skip(self._number("Q"))
                count -= 1

    def _alignment(self, values: Mapping[str, Value]) -> int:
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or isinstance(alignment, bool) or not 0 < alignment < 1 << 32:
            self._refuse(f"has the alignment {alignment!r}, which is not a power of two")
        if alignment & (alignment - 1):
            self._refuse(f"has the alignment {alignment}, which is not a power of two")
        return alignment

    def _tensors(self, n_tensors: int) -> tuple[TensorInfo, ...]:
        tensors: dict[str, TensorInfo] = {}
        for _ in range(n_tensors):
            tensor = self._tensor()
            if tensor.name in tensors:
                self._refuse(f"has the tensor {tensor.name!r} twice")
            tensors[tensor.name] = tensor
        return tuple(tensors.values())

    def _tensor(self) -> TensorInfo:
        name = self._text(MAX_TENSOR_NAME_BYTES, "the name of a tensor")
        n_dimensions = self._number("I")
        if n_dimensions > MAX_DIMENSIONS:
            self._refuse(f"has the tensor {name!r} with {n_dimensions} dimensions; {MAX_DIMENSIONS} is the most")
        dimensions = self._scalars("Q", n_dimensions)
        type_number = self._number("I")
        offset = self._number("Q")
        n_elements, n_bytes = self._tensor_size(name, dimensions, type_number)
        return TensorInfo(
            name=name,
            dimensions=dimensions,
            type_number=type_number,
            offset=offset,
            n_elements=n_elements,
            n_bytes=n_bytes,
        )

    def _tensor_size(self, name: str, dimensions: tuple[int, ...], type_number: int) -> tuple[int, int]:
        kind = TENSOR_TYPES.get(type_number)
        if kind is None:
            self._refuse(f"has the tensor {name!r} of the type {type_number}, which this version does not know")
        row, n_rows = (dimensions or (1,))[0], 1
        for dimension in dimensions[1:]:
            n_rows *= dimension
        if max((*dimensions, row * n_rows)) >= 1 << 63:
            self._refuse(f"has the tensor {name!r} of an impossible size {dimensions}")
        if row % kind.block_elements:
            self._refuse(f"has the tensor {name!r} with rows of {row}, not a multiple of {kind.name}'s {kind.block_elements}")
        return row * n_rows, kind.row_bytes(row) * n_rows

    def _check_layout(self, tensors: tuple[TensorInfo, ...], alignment: int, data_offset: int) -> None:
        """Tensors lie one after the other without gaps (gguf.cpp: ``ti.offset != ctx->size``) and inside the file."""
        expected = end = 0
        for tensor in tensors:
            if tensor.offset != expected:
                self._refuse(f"has the tensor {tensor.name!r} at {tensor.offset}, but it must be at {expected}")
            end = data_offset + expected + tensor.n_bytes
            expected = _padded(expected + tensor.n_bytes, alignment)
        if end > self._size:
            self._refuse(
                f"is incomplete: it is {self._size} bytes long, and its header describes {end}",
                advice="Download or copy it again.",
            )

    def _text(self, limit: int, what: str) -> str:
        length = self._number("Q")
        if length > limit:
            self._refuse(f"is damaged: {what} is {length} bytes long")
        return _decoded(self._bytes(length))

    def _number(self, code: str) -> int:
        return int(self._scalars(code, 1)[0])

    def _scalars(self, code: str, count: int) -> tuple[int, ...]:
        layout = f"<{count}{code}"
        return struct.unpack(layout, self._bytes(struct.calcsize(layout)))

    def _bytes(self, count: int) -> bytes:
        if count > len(self._window) - self._at:
            self._refill(count)
        taken = self._window[self._at : self._at + count]
        self._at += count
        return taken

    def _skip(self, count: int) -> None:
        if count <= len(self._window) - self._at:
            self._at += count
            return
        position = self._start + self._at + count
        self._check_inside(position)
        self._window, self._start, self._at = b"", position, 0

    def _refill(self, count: int) -> None:
        position = self._start + self._at
        self._check_inside(position + count)
        self._file.seek(position)
        self._window = self._file.read(max(count, _CHUNK))
        self._start, self._at = position, 0
        if len(self._window) < count:
            self._refuse_truncated()

    def _check_inside(self, position: int) -> None:
        if position > self._size:
            self._refuse_truncated()
        if position > self._limit:
            self._refuse(f"has a header of more than {MAX_HEADER_BYTES >> 20} MiB, which is not a model's")

    def _refuse_truncated(self) -> NoReturn:
        self._refuse("ends in the middle of its header", advice="Download or copy it again.")

    def _refuse(self, what: str, *, advice: str = "Choose another model file.") -> NoReturn:
        raise BadModelFile(f"{self._name} {what}.", advice=advice)


def _padded(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _decoded(raw: bytes) -> str:
    """Text of a key, a name or a value; bytes that are not UTF-8 stay visible."""
    return raw.decode("utf-8", "backslashreplace")
