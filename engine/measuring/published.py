"""Speeds from data sheets, for a worker that was never measured: better than none, and said to be that.

Bandwidth and dense FP16 compute (with tensor or matrix units where a card has them, sparsity not counted) as the makers
publish them: NVIDIA's data sheets and architecture papers (Volta to Blackwell), AMD's product pages (RDNA 2-4, CDNA, Ryzen
AI), Intel's product pages (Arc), Apple's technical specifications (bandwidth of the chip; compute is FP32 of the GPU). The
bandwidths of data-centre cards and of RTX 30 and 40 were compared with copies of the data sheets; the rest is from memory of
those pages: a starting point that a calibration replaces. What llama.cpp reaches is less: an RTX 4090 decodes Llama 7B Q4_0
at about 150 tokens/s, which is 57 % of its bandwidth, and prefill reaches a third to a half of the dense compute. One card was
measured by this project, an H100 80GB HBM3 (``HOPPER_COMPUTE_SHARE``, ``LAYER_OVERHEAD_SECONDS``).

CPUs: a name does not say how many memory channels are filled, so a cautious figure per core, up to that of two DDR4 channels.
Rejected: the fastest published figure of a family (a plan on hope), and no figure at all (then nothing is predicted).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.vocabulary.device import DeviceKind
from engine.vocabulary.worker import Speed, WorkerOffer

READ_SHARE = 0.55
"""Of the published bandwidth, in decode."""
COMPUTE_SHARE = 0.3
"""Of the published compute, in prefill."""
HOPPER_COMPUTE_SHARE = 0.12
"""The same for Hopper: 7,400 to 8,200 tokens/s of a llama of 7.24 billion parameters in q4_0, in micro-batches of 256, on an
H100 are 107 to 119 of its 989 TFLOPS. 0.3 promised 2.7 times as much."""
LAYER_OVERHEAD_SECONDS = 28e-6
"""Per layer and token on an NVIDIA card, for starting its operations: a calibration of that H100 measured it. Without it 440
tokens/s were predicted for the model above, 298 to 306 measured. Where a token reads for 20 ms (an RTX 3060) it is 4 %."""
CPU_READ_PER_CORE = 5e9
CPU_READ_AT_MOST = 25e9
"""About 60 % of two channels of DDR4-2666 (42.7 GB/s)."""
CPU_FLOPS_PER_CORE = 40e9
RPC_OVERHEAD_SECONDS = Speed(read_bytes_per_second=1.0).overhead_seconds
"""Of a call to an rpc-server: what llama-server saves where it uses the device itself."""
SOFTWARE = Speed(
    read_bytes_per_second=1e9,
    compute_flops_per_second=2e9,
    overhead_seconds=0.02,
    source="published: none, a software renderer",
)
"""llvmpipe computes shaders on the CPU: a warm-up of 12 small layers took over a minute."""


@dataclass(frozen=True, slots=True)
class _Card:
    """``name`` is looked for in the device's own name, word by word; the longest match counts."""

    name: str
    gb_per_second: float
    tflops: float
    compute_share: float = COMPUTE_SHARE


_CARDS = (
    # NVIDIA GeForce: product pages; tensor FP16 with FP32 accumulate, dense
    _Card("RTX 5090", 1792, 209),
    _Card("RTX 5080", 960, 113),
    _Card("RTX 5070 Ti", 896, 88),
    _Card("RTX 5070", 672, 62),
    _Card("RTX 5060 Ti", 448, 48),
    _Card("RTX 4090", 1008, 165),
    _Card("RTX 4080 SUPER", 736, 104),
    _Card("RTX 4080", 717, 97),
    _Card("RTX 4070 Ti SUPER", 672, 88),
    _Card("RTX 4070 Ti", 504, 80),
    _Card("RTX 4070 SUPER", 504, 71),
    _Card("RTX 4070", 504, 58),
    _Card("RTX 4060 Ti", 288, 44),
    _Card("RTX 4060", 272, 30),
    _Card("RTX 3090 Ti", 1008, 80),
    _Card("RTX 3090", 936, 71),
    _Card("RTX 3080 Ti", 912, 68),
    _Card("RTX 3080", 760, 60),
    _Card("RTX 3070 Ti", 608, 43),
    _Card("RTX 3070", 448, 41),
    _Card("RTX 3060 Ti", 448, 32),
    _Card("RTX 3060", 360, 25),
    _Card("RTX 2080 Ti", 616, 54),
    _Card("RTX 2080 SUPER", 496, 45),
    _Card("RTX 2080", 448, 40),
    _Card("RTX 2070", 448, 30),
    _Card("RTX 2060", 336, 26),
    # without tensor units: FP32, which llama.cpp then computes with
    _Card("GTX 1660", 192, 5),
    _Card("GTX 1080 Ti", 484, 11.3),
    _Card("GTX 1080", 320, 8.9),
    _Card("GTX 1070", 256, 6.5),
    _Card("GTX 1060", 192, 4.4),
    _Card("Tesla P40", 346, 11.8),
    _Card("Tesla P100", 732, 9.3),
    # NVIDIA data centre and workstation: data sheets
    _Card("B200", 8000, 2250),
    _Card("H200", 4800, 989, HOPPER_COMPUTE_SHARE),
    _Card("H100 PCIe", 2000, 756, HOPPER_COMPUTE_SHARE),
    _Card("H100 80GB HBM3", 3350, 989, HOPPER_COMPUTE_SHARE),
    _Card("H100", 2000, 756, HOPPER_COMPUTE_SHARE),
    _Card("GH200", 4000, 989, HOPPER_COMPUTE_SHARE),
    _Card("A100 80GB", 1935, 312),
    _Card("A100", 1555, 312),
    _Card("A40", 696, 150),
    _Card("A30", 933, 165),
    _Card("A10", 600, 125),
    _Card("A10G", 600, 70),
    _Card("L40S", 864, 362),
    _Card("L40", 864, 181),
    _Card("L4", 300, 121),
    _Card("T4", 320, 65),
    _Card("V100", 900, 112),
    _Card("GB10", 273, 62),
    _Card("RTX PRO 6000", 1792, 252),
    _Card("RTX 6000 Ada", 960, 182),
    _Card("RTX A6000", 768, 155),
    _Card("RTX A5000", 768, 111),
    _Card("RTX A4000", 448, 77),
    # AMD: product pages; RDNA 3 and 4 with matrix units, RDNA 2 packed FP16
    _Card("RX 9070 XT", 640, 195),
    _Card("RX 9070", 640, 145),
    _Card("RX 7900 XTX", 960, 123),
    _Card("RX 7900 XT", 800, 103),
    _Card("RX 7900 GRE", 576, 92),
    _Card("RX 7800 XT", 624, 75),
    _Card("RX 7700 XT", 432, 70),
    _Card("RX 7600", 288, 43),
    _Card("RX 6900 XT", 512, 46),
    _Card("RX 6800 XT", 512, 41),
    _Card("RX 6800", 512, 32),
    _Card("RX 6700 XT", 384, 26),
    _Card("RX 6600 XT", 256, 21),
    _Card("Radeon VII", 1024, 27),
    _Card("MI300X", 5300, 1307),
    _Card("MI250X", 3277, 383),
    _Card("MI210", 1638, 181),
    _Card("MI100", 1229, 185),
    _Card("MI60", 1024, 29),
    _Card("MI50", 1024, 27),
    _Card("Radeon 8060S", 256, 59),
    _Card("Radeon 890M", 120, 12),
    _Card("Radeon 780M", 90, 17),
    # Intel: product pages; XMX FP16
    _Card("Arc B580", 456, 117),
    _Card("Arc B570", 380, 96),
    _Card("Arc A770", 560, 138),
    _Card("Arc A750", 512, 118),
    _Card("Arc A380", 186, 33),
    # Apple: technical specifications; the bandwidth is the whole chip's
    _Card("Apple M1", 68, 2.6),
    _Card("Apple M1 Pro", 200, 5.2),
    _Card("Apple M1 Max", 400, 10.4),
    _Card("Apple M1 Ultra", 800, 20.8),
    _Card("Apple M2", 100, 3.6),
    _Card("Apple M2 Pro", 200, 6.8),
    _Card("Apple M2 Max", 400, 13.6),
    _Card("Apple M2 Ultra", 800, 27.2),
    _Card("Apple M3", 100, 4.1),
    _Card("Apple M3 Pro", 150, 7.4),
    _Card("Apple M3 Max", 300, 14.2),
    _Card("Apple M3 Ultra", 819, 28.4),
    _Card("Apple M4", 120, 4.6),
    _Card("Apple M4 Pro", 273, 9.2),
    _Card("Apple M4 Max", 410, 18.4),
)
"""Where a name covers two variants (A100, H100, M3 Max, MI50), the slower one."""


def published_speed(offer: WorkerOffer) -> Speed | None:
    """What a data sheet promises of this worker, brought down to what llama.cpp reaches; ``None`` for a card not listed."""
    speed = _speed_over_rpc(offer)
    if speed is None or not offer.is_native:
        return speed
    return replace(speed, overhead_seconds=max(0.0, speed.overhead_seconds - RPC_OVERHEAD_SECONDS))


def _speed_over_rpc(offer: WorkerOffer) -> Speed | None:
    if "llvmpipe" in offer.description.lower():
        return SOFTWARE
    if offer.kind is DeviceKind.CPU:
        return _speed_of_cpu(offer.threads or 1)
    card = _card_called(offer.description)
    if card is None:
        return None
    return Speed(
        read_bytes_per_second=READ_SHARE * card.gb_per_second * 1e9,
        compute_flops_per_second=card.compute_share * card.tflops * 1e12,
        layer_overhead_seconds=LAYER_OVERHEAD_SECONDS if offer.runtime_name.startswith("CUDA") else 0.0,
        source=f"published: {card.gb_per_second:,.0f} GB/s, {card.tflops:g} TFLOPS",
    )


def _speed_of_cpu(threads: int) -> Speed:
    read = min(CPU_READ_AT_MOST, threads * CPU_READ_PER_CORE)
    return Speed(
        read_bytes_per_second=read,
        compute_flops_per_second=threads * CPU_FLOPS_PER_CORE,
        source=f"published: none for CPUs, taken as {read / 1e9:.0f} GB/s for {threads} core{'s' * (threads != 1)}",
    )


def _card_called(description: str) -> _Card | None:
    """The card whose name has most of its words, in order, in the description."""
    words = " ".join(re.findall(r"[a-z0-9]+", description.lower()))
    patterns = ((card, r"\b.*\b".join(card.name.lower().split())) for card in _CARDS)
    matching = [card for card, pattern in patterns if re.search(rf"\b{pattern}\b", words)]
    return max(matching, key=lambda card: len(card.name), default=None)
