"""The reader of GGUF headers: what it reads, what it refuses, and that nothing makes it slow, large or crash."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import gguf as reference
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadModelFile
from engine.llama_cpp.gguf.gguf_header import MAX_HEADER_BYTES, GgufHeader, read_gguf_header
from engine.llama_cpp.gguf.kv_cache import kv_bytes_of_layer
from engine.llama_cpp.gguf.model_facts import read_model_facts
from engine.llama_cpp.gguf.tensor_types import TENSOR_TYPES, file_type_name
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import RunShape
from tests.fakes.llama_cpp import gguf_bytes as make
from tests.fakes.llama_cpp.gguf_writer import write_hybrid, write_llama


def read(raw: bytes) -> GgufHeader:
    return read_gguf_header(io.BytesIO(raw), size_bytes=len(raw), name="model.gguf")


def refusal(raw: bytes) -> str:
    with pytest.raises(BadModelFile) as caught:
        read(raw)
    sentence = str(caught.value)
    assert sentence.startswith("model.gguf ")
    assert caught.value.advice
    return sentence


def test_reads_what_the_reference_reads(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf", n_layers=3, weights="q8_0")
    expected = reference.GGUFReader(path)
    header = read(path.read_bytes())
    assert {
        tensor.name: (tensor.n_bytes, tensor.n_elements, header.data_offset + tensor.offset) for tensor in header.tensors
    } == {tensor.name: (tensor.n_bytes, tensor.n_elements, tensor.data_offset) for tensor in expected.tensors}
    assert header.values["llama.block_count"] == 3
    assert header.array_lengths["tokenizer.ggml.tokens"] == 320
    assert "tokenizer.ggml.tokens" not in header.values


@pytest.mark.parametrize("version", [2, 3])
def test_reads_every_kind_of_value(version: int) -> None:
    header = read(
        make.gguf(
            [
                make.string("a.text", "grün"),
                make.number("a.number", 7),
                make.key("a.flag", make.BOOL, b"\1"),
                make.key("a.half", make.F32, struct.pack("<f", 0.5)),
                make.numbers("a.several", [1, 2, 3]),
                make.array("a.words", make.STRING, 2, make.text("x") + make.text("yz")),
                make.key("a.large", make.U64, struct.pack("<Q", 1 << 40)),
            ],
            version=version,
        )
    )
    assert header.values == {
        "a.text": "grün",
        "a.number": 7,
        "a.flag": True,
        "a.half": 0.5,
        "a.several": (1, 2, 3),
        "a.large": 1 << 40,
    }
    assert header.array_lengths == {"a.several": 3, "a.words": 2}


def test_long_strings_and_arrays_are_skipped_not_kept() -> None:
    header = read(
        make.gguf(
            [
                make.string("tokenizer.chat_template", "x" * 3_000_000),
                make.array("a.words", make.STRING, 3, make.text("x" * 2_000_000) + make.text("") + make.text("z" * 1_100_000)),
                make.array("a.scores", make.F32, 50_000, bytes(200_000)),
                make.number("a.last", 5),
            ]
        )
    )
    assert header.values == {"tokenizer.chat_template": "", "a.last": 5}, "that it is there is known"
    assert header.array_lengths == {"a.words": 3, "a.scores": 50_000}


@pytest.mark.parametrize("shift", range(-12, 13))
def test_strings_across_the_edge_of_the_window(shift: int) -> None:
    words = make.text("x" * ((1 << 20) - 60 + shift)) + b"".join(make.text("ab") for _ in range(9))
    header = read(make.gguf([make.array("a.words", make.STRING, 10, words), make.number("a.last", 5)]))
    assert header.values == {"a.last": 5}


def test_every_tensor_type_has_the_reference_size() -> None:
    known = {int(kind): sizes for kind, sizes in reference.GGML_QUANT_SIZES.items()}
    known[9] = (32, 36)  # the package has not followed ggml-common.h, block_q8_1: two halves and 32 bytes
    known[42] = (64, 18)  # newer than the package: ggml-common.h, block_q2_0
    assert {number: (kind.block_elements, kind.block_bytes) for number, kind in TENSOR_TYPES.items()} == known


def test_file_types_have_the_reference_names() -> None:
    for kind in reference.LlamaFileType:
        if kind.name.startswith(("MOSTLY_", "ALL_")):
            expected = kind.name.removeprefix("MOSTLY_").removeprefix("ALL_").removesuffix("_MOE")
            assert file_type_name(int(kind)) == expected
    assert [file_type_name(number) for number in (-1, 5, 1024)] == ["", "", ""]


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "not a GGUF file"),
        (b"GG", "not a GGUF file"),
        (b"ggml" + bytes(100), "not a GGUF file"),
        (b"GGUF", "ends in the middle"),
        (make.gguf(version=1), "version 1"),
        (make.gguf(version=0), "version 0"),
        (make.gguf(version=4), "version 4"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(16), "big-endian"),
        (make.gguf(n_keys=1 << 62), "4611686018427387904 keys"),
        (make.gguf(n_tensors=1 << 40), "1099511627776 tensors"),
        (make.gguf(n_keys=3)[:24], "ends in the middle"),
        (make.gguf([make.number("a", 1), make.number("a", 2)]), "'a' twice"),
        (make.gguf([make.number("", 1)]), "without a name"),
        (make.gguf([make.number("x" * 70_000, 1)]), "70000 bytes long"),
        (make.gguf([make.key("a", 13, b"")]), "unknown type 13"),
        (make.gguf([make.array("a", 77, 1, b"")]), "unknown type 77"),
        (make.gguf([make.array("a", make.ARRAY, 1, bytes(12))]), "array of arrays"),
        (make.gguf([make.array("a", make.U32, 1 << 40, b"")]), "ends in the middle"),
        (make.gguf([make.array("a", make.STRING, 1 << 40, b"")]), "1099511627776 entries"),
        (make.gguf([make.array("a", make.STRING, 3_999_999, b"")]), "ends in the middle"),
        (make.gguf([make.array("a", make.STRING, 1, struct.pack("<Q", (1 << 64) - 1))]), "ends in the middle"),
        (make.gguf([make.key("a", make.STRING, struct.pack("<Q", 1 << 63))]), "ends in the middle"),
        (make.gguf([make.number("general.alignment", 0)]), "alignment 0"),
        (make.gguf([make.number("general.alignment", 24)]), "alignment 24"),
        (make.gguf([make.string("general.alignment", "32")]), "alignment '32'"),
        (make.gguf([], [make.tensor("t", [4]), make.tensor("t", [4], offset=32)], data=64), "'t' twice"),
        (make.gguf([], [make.tensor("t" * 64, [4])], data=16), "64 bytes long"),
        (make.gguf([], [make.tensor("t", [4] * 5)], data=16), "5 dimensions"),
        (make.gguf([], [make.tensor("t", [4], n_dimensions=1 << 31)], data=16), "dimensions"),
        (make.gguf([], [make.tensor("t", [1 << 40, 1 << 40])], data=16), "impossible size"),
        (make.gguf([], [make.tensor("t", [0, 1 << 63])], data=16), "impossible size"),
        (make.gguf([], [make.tensor("t", [4], kind=4)], data=16), "type 4"),
        (make.gguf([], [make.tensor("t", [4], kind=999)], data=16), "type 999"),
        (make.gguf([], [make.tensor("t", [33], kind=8)], data=64), "multiple of q8_0's 32"),
        (make.gguf([], [make.tensor("t", [4], offset=32)], data=64), "must be at 0"),
        (make.gguf([], [make.tensor("t", [4], offset=1 << 63)], data=64), "must be at 0"),
        (make.gguf([], [make.tensor("t", [1 << 20])], data=64), "is incomplete"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
def test_refuses(raw: bytes, what: str) -> None:
    assert what in refusal(raw)


def test_every_truncation_of_a_file_is_refused() -> None:
    whole = model_bytes()
    header = read(whole)
    ends = [*range(0, header.data_offset, 97), header.data_offset, len(whole) - 1]
    for end in ends:
        refusal(whole[:end])


class HugeFile(io.BytesIO):
    """A header, and behind it weights that do not exist: what a 100 GB file looks like to a reader of headers."""

    def read(self, count: int | None = -1, /) -> bytes:
        self.taken = getattr(self, "taken", 0) + (count or 0)
        return super().read(count)


def test_a_file_of_100_gb_is_read_by_its_header() -> None:
    words = b"".join(make.text(f"word{number}") for number in range(262_144))
    tensors, offset = [], 0
    for number in range(1000):
        tensors.append(make.tensor(f"blk.{number}.w", [50_000, 500], offset=offset))
        offset += 100_000_000
    raw = make.gguf([make.array("tokenizer.ggml.tokens", make.STRING, 262_144, words)], tensors)
    file = HugeFile(raw)
    started = time.perf_counter()
    header = read_gguf_header(file, size_bytes=len(raw) + 100_000_000_000, name="model.gguf")
    assert time.perf_counter() - started < 2.0
    assert sum(tensor.n_bytes for tensor in header.tensors) == 100_000_000_000
    assert file.taken < len(raw) + (2 << 20)


class EndlessZeros(io.RawIOBase):
    """A beginning, then zeros for ever: every string is empty, every count is nought."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self._at = 0

    def seek(self, position: int, whence: int = 0, /) -> int:
        self._at = position
        return position

    def read(self, count: int = -1, /) -> bytes:
        return self._beginning[self._at : self._at + count].ljust(count, b"\0")


@pytest.mark.parametrize(
    "beginning",
    [
        make.gguf([make.array("a", make.STRING, 4_000_000, b"")], n_keys=20_000)[:-40],
        make.gguf([make.array("a", make.U64, 1 << 50, b"")])[:-8],
        make.gguf([make.key("a", make.STRING, struct.pack("<Q", 1 << 40))])[:-8],
        make.gguf(n_keys=20_000, n_tensors=100_000)[:24],
    ],
)
def test_a_hostile_file_without_end_costs_little(beginning: bytes) -> None:
    tracemalloc.start()
    try:
        started = time.perf_counter()
        with pytest.raises(BadModelFile):
            read_gguf_header(EndlessZeros(beginning), size_bytes=1 << 60, name="model.gguf")  # type: ignore[arg-type]
        assert time.perf_counter() - started < 20.0
        assert tracemalloc.get_traced_memory()[1] < MAX_HEADER_BYTES // 4
    finally:
        tracemalloc.stop()


def everything_of(raw: bytes) -> None:
    """All that is done with a file before it is shown: only ``BadModelFile`` may come out."""
    with suppress(BadModelFile):
        _look_at(read_model_facts([("model.gguf", read(raw))]))


def _look_at(facts: ModelFacts) -> None:
    assert facts.n_layers >= 1
    assert sum(kv_bytes_of_layer(layer.kv, RunShape()) for layer in facts.layers) >= 0
    assert all(layer.active_bytes >= 0 for layer in facts.layers)


@cache
def model_bytes(hybrid: bool = False) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.gguf"
        return (write_hybrid(path, kv_heads=(0, 1)) if hybrid else write_llama(path, n_layers=2)).read_bytes()


@given(raw=st.binary(max_size=400))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_random_bytes(raw: bytes) -> None:
    everything_of(raw)
    everything_of(b"GGUF\3\0\0\0" + raw)
    everything_of(b"GGUF\3\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0" + raw)


@given(
    hybrid=st.booleans(),
    changes=st.lists(
        st.tuples(
            st.integers(0, 1 << 16), st.one_of(st.binary(min_size=1, max_size=9), st.just(b"\xff" * 8), st.just(bytes(8)))
        ),
        min_size=1,
        max_size=6,
    ),
    cut=st.one_of(st.none(), st.integers(0, 40_000)),
)
@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_mutations_of_a_real_file(hybrid: bool, changes: list[tuple[int, bytes]], cut: int | None) -> None:
    raw = bytearray(model_bytes(hybrid))
    end = read(bytes(raw)).data_offset
    vocabulary = raw.index(b"tokenizer.ggml.tokens")
    interesting = [*range(vocabulary), *range(end - 2000, end)]
    for where, change in changes:
        at = interesting[where % len(interesting)]
        raw[at : at + len(change)] = change
    everything_of(bytes(raw if cut is None else raw[:cut]))
