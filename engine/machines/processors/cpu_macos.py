"""The processor's name and instruction sets on macOS, through ``sysctlbyname``. **Untested**: written from Apple's
"Determining Instruction Set Characteristics" and sysctl(3); no Mac was at hand. Calling the ``sysctl`` program was rejected:
this ring starts no processes.
"""

from __future__ import annotations

import ctypes

MACOS_FEATURES = {
    "hw.optional.neon": "neon",
    "hw.optional.arm.FEAT_FP16": "fp16",
    "hw.optional.arm.FEAT_DotProd": "dotprod",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_SME": "sme",
    "hw.optional.avx1_0": "avx",
    "hw.optional.f16c": "f16c",
    "hw.optional.fma": "fma",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.avx512f": "avx512f",
}
"""``sysctl`` key: instruction set."""


def macos_cpu_name() -> str | None:
    """``Apple M2 Max``, or ``None``."""
    value = _sysctl("machdep.cpu.brand_string")
    return value.rstrip(b"\0").decode("utf-8", errors="replace") if value else None


def macos_instruction_sets() -> tuple[str, ...]:
    """Those whose key is there and not zero."""
    return tuple(name for key, name in MACOS_FEATURES.items() if int.from_bytes(_sysctl(key), "little"))


def _sysctl(name: str) -> bytes:
    """The raw value; empty when there is no such key."""
    library = ctypes.CDLL(None)
    size = ctypes.c_size_t(256)
    value = ctypes.create_string_buffer(size.value)
    failed = library.sysctlbyname(name.encode(), value, ctypes.byref(size), None, ctypes.c_size_t(0))
    return b"" if failed else value.raw[: size.value]
