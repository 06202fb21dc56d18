"""Figures of data sheets: the right card, less than promised, and nothing for a card nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.measuring.published import COMPUTE_SHARE, CPU_READ_AT_MOST, READ_SHARE, SOFTWARE, published_speed
from engine.vocabulary.worker import Exposure
from tests.engine.planning.planning_cases import offer

GPU = offer("a", "cuda:0")


@pytest.mark.parametrize(
    ("description", "gb_per_second"),
    [
        ("NVIDIA GeForce RTX 4090", 1008),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 672),
        ("NVIDIA GeForce RTX 4070 Ti", 504),
        ("NVIDIA A100-SXM4-80GB", 1935),
        ("NVIDIA A100-PCIE-40GB", 1555),
        ("NVIDIA A10", 600),
        ("NVIDIA H100 80GB HBM3", 3350),
        ("Tesla T4", 320),
        ("AMD Radeon RX 7900 XTX (RADV NAVI31)", 960),
        ("Intel(R) Arc(TM) A770 Graphics (DG2)", 560),
        ("Apple M2 Max", 400),
        ("Apple M2", 100),
    ],
)
def test_the_card_is_recognised(description, gb_per_second):
    speed = published_speed(replace(GPU, description=description))
    assert speed.read_bytes_per_second == pytest.approx(READ_SHARE * gb_per_second * 1e9)
    assert not speed.measured
    assert speed.source.startswith(f"published: {gb_per_second:,} GB/s")


def test_an_h100_is_promised_about_what_one_was_measured_to_do():
    """A llama of 7.24 billion parameters in q4_0, 4.0 GB: 298 to 306 tokens/s natively, 7,800 to 8,200 in prefill."""
    speed = published_speed(replace(GPU, description="NVIDIA H100 80GB HBM3", exposure=Exposure.NATIVE))
    token = speed.overhead_seconds + 32 * speed.layer_overhead_seconds + 4.0e9 / speed.read_bytes_per_second
    assert 1 / token == pytest.approx(302, rel=0.1)
    assert speed.compute_flops_per_second / (2 * 7.24e9) == pytest.approx(8000, rel=0.1)
    vulkan = published_speed(replace(GPU, runtime_name="Vulkan0", description="NVIDIA H100 80GB HBM3"))
    assert vulkan.layer_overhead_seconds == 0.0


@pytest.mark.parametrize("description", ["", "Matrox G200", "NVIDIA GeForce RTX 40900", "RTX 409"])
def test_an_unknown_card_has_no_figures(description):
    assert published_speed(replace(GPU, description=description)) is None


def test_less_than_promised():
    assert READ_SHARE < 0.6
    assert COMPUTE_SHARE <= 1 / 3


def test_a_cpu_gets_a_cautious_figure_per_core():
    one, four, many = (published_speed(replace(offer("a"), threads=threads)) for threads in (None, 4, 64))
    assert one.read_bytes_per_second * 4 == four.read_bytes_per_second
    assert many.read_bytes_per_second == CPU_READ_AT_MOST
    assert many.compute_flops_per_second == 16 * four.compute_flops_per_second
    assert "4 cores" in four.source
    assert one.source.endswith("1 core")


def test_a_software_renderer_is_never_taken_for_a_card():
    speed = published_speed(replace(GPU, description="llvmpipe (LLVM 15.0.6, 256 bits)"))
    assert speed == SOFTWARE
    assert speed.read_bytes_per_second < published_speed(offer("a")).read_bytes_per_second
