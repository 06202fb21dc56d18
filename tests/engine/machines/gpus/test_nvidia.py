from __future__ import annotations

import pynvml
import pytest

from engine.machines.gpus.nvidia import NvidiaGpus, WhyNoNvidia
from engine.machines.gpus.vendor_gpu import VendorGpu
from engine.vocabulary.device import Vendor
from tests.fakes.ports.fake_nvml import MIB, FakeNvidiaGpu, FakeNvml


def test_what_nvml_says_of_a_card() -> None:
    answer = NvidiaGpus(FakeNvml(FakeNvidiaGpu(name=b"NVIDIA H100 80GB HBM3", bus=0x1B, busy_percent=25))).look()
    assert answer.why_none is None
    assert answer.gpus == (
        VendorGpu(
            vendor=Vendor.NVIDIA,
            name="NVIDIA H100 80GB HBM3",
            pci_address="0000:1b:00.0",
            memory_total_bytes=24564 * MIB,
            memory_free_bytes=24000 * MIB,
            busy_fraction=0.25,
            celsius=41.0,
        ),
    )


def test_what_a_card_does_not_tell_is_unknown_with_a_reason() -> None:
    gpu = NvidiaGpus(FakeNvml(FakeNvidiaGpu(total_mib=None, busy_percent=None, celsius=None))).look().gpus[0]
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes, gpu.busy_fraction, gpu.celsius) == (None, None, None, None)
    assert gpu.why_no_memory == "NVIDIA's driver does not tell this GPU's memory (Not Supported)"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, WhyNoNvidia.NO_LIBRARY),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, WhyNoNvidia.NO_DRIVER),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, WhyNoNvidia.VERSION_MISMATCH),
        (pynvml.NVML_ERROR_NO_PERMISSION, WhyNoNvidia.NO_PERMISSION),
    ],
)
def test_why_nvml_is_off(error: int, reason: WhyNoNvidia) -> None:
    assert NvidiaGpus(FakeNvml(init_error=error)).look().why_none == reason


def test_any_other_failure_carries_nvml_s_own_words() -> None:
    why = NvidiaGpus(FakeNvml(init_error=pynvml.NVML_ERROR_UNKNOWN)).look().why_none
    assert why == "NVIDIA's driver library (NVML) failed (Unknown Error)"


def test_a_driver_without_a_card() -> None:
    assert NvidiaGpus(FakeNvml()).look().why_none == WhyNoNvidia.NO_DEVICE


def test_the_library_stays_open_and_is_opened_anew_when_it_is_lost() -> None:
    nvml = FakeNvml(FakeNvidiaGpu())
    gpus = NvidiaGpus(nvml)
    gpus.look()
    gpus.look()
    assert (nvml.opened, nvml.closed) == (1, 0)
    nvml.lost = True
    assert gpus.look().why_none is not None
    assert len(gpus.look().gpus) == 1
    assert (nvml.opened, nvml.closed) == (2, 1)
    gpus.close()
    gpus.close()
    assert nvml.closed == 2
