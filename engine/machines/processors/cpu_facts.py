"""What /proc/cpuinfo (Linux) says of the processor: its name and the instruction sets that llama.cpp has kernels for. Pure.

The names are the kernel's flags, under the spelling people know (``asimd`` is NEON). Which ones matter: ggml-cpu.cpp,
``ggml_backend_cpu_get_features`` and the CPU variants in ggml/src/CMakeLists.txt (sse42, sandybridge: avx, haswell: avx2 fma
f16c bmi2, skylakex: avx512*, icelake: avx512_vnni, alderlake: avx_vnni, sapphirerapids: amx). ``py-cpuinfo`` was rejected: it
starts child processes and takes over a second.
"""

from __future__ import annotations

import re

_KNOWN = {
    # x86-64
    "sse3": "sse3",
    "pni": "sse3",
    "ssse3": "ssse3",
    "sse4_2": "sse4.2",
    "avx": "avx",
    "f16c": "f16c",
    "fma": "fma",
    "bmi2": "bmi2",
    "avx2": "avx2",
    "avx_vnni": "avx_vnni",
    "avx512f": "avx512f",
    "avx512cd": "avx512cd",
    "avx512dq": "avx512dq",
    "avx512bw": "avx512bw",
    "avx512vl": "avx512vl",
    "avx512vbmi": "avx512_vbmi",
    "avx512_vnni": "avx512_vnni",
    "avx512_bf16": "avx512_bf16",
    "avx512_fp16": "avx512_fp16",
    "amx_tile": "amx_tile",
    "amx_int8": "amx_int8",
    "amx_bf16": "amx_bf16",
    "amx_fp16": "amx_fp16",
    # ARM
    "neon": "neon",
    "asimd": "neon",
    "asimdhp": "fp16",
    "asimddp": "dotprod",
    "i8mm": "i8mm",
    "bf16": "bf16",
    "sve": "sve",
    "sve2": "sve2",
    "sme": "sme",
    # POWER, s390x
    "vsx": "vsx",
    "vx": "vx",
    "vxe": "vxe",
    "vxe2": "vxe2",
    "nnpa": "nnpa",
}

_NAME_KEYS = ("model name", "hardware", "cpu model", "cpu", "uarch", "machine")
"""x86 and some ARM; older ARM boards; MIPS and LoongArch; POWER; RISC-V; s390."""
_FLAG_KEYS = ("flags", "features")
_RISCV_VECTOR = re.compile(r"rv(32|64)[a-z]*v")


def cpu_name(cpuinfo: str) -> str | None:
    """The processor's name, or ``None`` when the file does not say (most 64-bit ARM boards)."""
    values = _first_values(cpuinfo)
    return next((values[key] for key in _NAME_KEYS if values.get(key) and not values[key].isdigit()), None)


def instruction_sets(cpuinfo: str) -> tuple[str, ...]:
    """Those that llama.cpp uses, in a fixed order. Of the first processor listed: mixed ARM cores share theirs."""
    values = _first_values(cpuinfo)
    flags = {flag for key in _FLAG_KEYS for flag in values.get(key, "").lower().split()}
    found = dict.fromkeys(name for flag, name in _KNOWN.items() if flag in flags)
    if _RISCV_VECTOR.match(values.get("isa", "").split("_")[0]):
        found["rvv"] = None
    return tuple(found)


def _first_values(cpuinfo: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            values.setdefault(key.strip().lower(), value.strip())
    return values
