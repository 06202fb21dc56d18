"""Block sizes of every ggml tensor type, and the names of file types: how many bytes a tensor of a GGUF file takes.

From ggml.h (``enum ggml_type``), ggml.c (``type_traits``) and ggml-common.h (``block_*`` structs with their static asserts);
names of file types from llama.h (``enum llama_ftype``). Rejected: asking the ``gguf`` package, whose table lags behind
(it has no Q2_0), and guessing the size of a type that is not listed: a wrong guess would overfill a worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class TensorType:
    """One ggml type: ``block_bytes`` hold ``block_elements`` elements of a row."""

    name: str
    block_elements: int
    block_bytes: int

    def row_bytes(self, elements: int) -> int:
        """Bytes of a row (ggml.c ``ggml_row_size``); a started block counts as a whole one."""
        return -(-elements // self.block_elements) * self.block_bytes


TENSOR_TYPES = MappingProxyType(
    {
        0: TensorType("f32", 1, 4),
        1: TensorType("f16", 1, 2),
        2: TensorType("q4_0", 32, 18),
        3: TensorType("q4_1", 32, 20),
        6: TensorType("q5_0", 32, 22),
        7: TensorType("q5_1", 32, 24),
        8: TensorType("q8_0", 32, 34),
        9: TensorType("q8_1", 32, 36),
        10: TensorType("q2_K", 256, 84),
        11: TensorType("q3_K", 256, 110),
        12: TensorType("q4_K", 256, 144),
        13: TensorType("q5_K", 256, 176),
        14: TensorType("q6_K", 256, 210),
        15: TensorType("q8_K", 256, 292),
        16: TensorType("iq2_xxs", 256, 66),
        17: TensorType("iq2_xs", 256, 74),
        18: TensorType("iq3_xxs", 256, 98),
        19: TensorType("iq1_s", 256, 50),
        20: TensorType("iq4_nl", 32, 18),
        21: TensorType("iq3_s", 256, 110),
        22: TensorType("iq2_s", 256, 82),
        23: TensorType("iq4_xs", 256, 136),
        24: TensorType("i8", 1, 1),
        25: TensorType("i16", 1, 2),
        26: TensorType("i32", 1, 4),
        27: TensorType("i64", 1, 8),
        28: TensorType("f64", 1, 8),
        29: TensorType("iq1_m", 256, 56),
        30: TensorType("bf16", 1, 2),
        34: TensorType("tq1_0", 256, 54),
        35: TensorType("tq2_0", 256, 66),
        39: TensorType("mxfp4", 32, 17),
        40: TensorType("nvfp4", 64, 36),
        41: TensorType("q1_0", 128, 18),
        42: TensorType("q2_0", 64, 18),
    }
)
"""By the number in the file. 4, 5, 31-33 and 36-38 were removed from the format; 43 and up came later."""

CACHE_TYPES = MappingProxyType(
    {
        kind.name: kind
        for kind in TENSOR_TYPES.values()
        if kind.name in {"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"}
    }
)
"""What ``--cache-type-k`` and ``--cache-type-v`` take (common/arg.cpp, ``kv_cache_types``)."""

_FILE_TYPES = (
    "F32",
    "F16",
    "Q4_0",
    "Q4_1",
    "",
    "",
    "",
    "Q8_0",
    "Q5_0",
    "Q5_1",
    "Q2_K",
    "Q3_K_S",
    "Q3_K_M",
    "Q3_K_L",
    "Q4_K_S",
    "Q4_K_M",
    "Q5_K_S",
    "Q5_K_M",
    "Q6_K",
    "IQ2_XXS",
    "IQ2_XS",
    "Q2_K_S",
    "IQ3_XS",
    "IQ3_XXS",
    "IQ1_S",
    "IQ4_NL",
    "IQ3_S",
    "IQ3_M",
    "IQ2_S",
    "IQ2_M",
    "IQ4_XS",
    "IQ1_M",
    "BF16",
    "",
    "",
    "",
    "TQ1_0",
    "TQ2_0",
    "MXFP4",
    "NVFP4",
    "Q1_0",
    "Q2_0",
)
"""By number; nameless ones were removed from the format."""


def file_type_name(number: int) -> str:
    """How people call a ``general.file_type`` (``Q4_K_M``), or an empty string when it has no name."""
    return _FILE_TYPES[number] if 0 <= number < len(_FILE_TYPES) else ""
