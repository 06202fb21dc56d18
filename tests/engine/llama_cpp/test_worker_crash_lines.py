"""What the last lines of an rpc-server say. Those of GPUs are made from the sources: there was no GPU to break."""

from pathlib import Path

import pytest

from engine.llama_cpp.worker_crash_lines import LOOKED_AT, worker_words
from engine.vocabulary.running.fault import FaultCause

RECORDED = Path(__file__).parents[2] / "recorded"
GRAPH = (
    'rpc.cpp:13: GGML_ASSERT(status == GGML_STATUS_SUCCESS && "Unsuccessful graph computations are not supported with RPC")'
    " failed"
)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("Failed to create server socket", FaultCause.PORT_TAKEN),
        ("CUDA error: unspecified launch failure", FaultCause.DEVICE_LOST),
        ("CUDA error: no CUDA-capable device is detected", FaultCause.DEVICE_LOST),
        ("ROCm error: no ROCm-capable device is detected", FaultCause.DEVICE_LOST),
        ("NVRM: GPU at 0000:01:00.0 has fallen off the bus.", FaultCause.DEVICE_LOST),
        ("NVRM: Xid (PCI:0000:01:00): 79, pid=1", FaultCause.DEVICE_LOST),
        ("vk::Queue::submit: ErrorDeviceLost", FaultCause.DEVICE_LOST),
        (GRAPH, FaultCause.DEVICE_LOST),
        ("CUDA error: out of memory", FaultCause.WORKER_OUT_OF_MEMORY),
        ("cudaMalloc failed: out of memory", FaultCause.WORKER_OUT_OF_MEMORY),
        ("ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory", FaultCause.WORKER_OUT_OF_MEMORY),
        ("terminate called after throwing an instance of 'std::bad_alloc'", FaultCause.WORKER_OUT_OF_MEMORY),
        ("error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)", FaultCause.WORKER_OUT_OF_MEMORY),
        ("write failed: No space left on device", FaultCause.DISK_FULL),
    ],
)
def test_known_lines(line, cause):
    words = worker_words(("Accepted client connection", line, "#1 0x00007f in ggml_abort ()"))
    assert (words.cause, words.line) == (cause, line)
    assert words.advice


def test_the_size_that_had_no_room():
    words = worker_words(("alloc: failed to allocate CUDA0 buffer of size 1073741824",))
    assert (words.cause, words.needs_bytes) == (FaultCause.WORKER_OUT_OF_MEMORY, 1 << 30)


def test_memory_is_the_reason_of_an_unsuccessful_graph():
    assert worker_words(("CUDA error: out of memory", GRAPH)).cause is FaultCause.WORKER_OUT_OF_MEMORY


@pytest.mark.parametrize("lines", [(), ("Client connection closed",), ("CUDA error: out of memory", *["#1"] * LOOKED_AT)])
def test_nothing_known(lines):
    assert worker_words(lines) is None


def test_a_real_one_whose_port_was_taken():
    lines = (RECORDED / "rpc-server-0.3.36-g5/port_in_use.txt").read_text().splitlines()
    assert worker_words(tuple(lines)).cause is FaultCause.PORT_TAKEN


@pytest.mark.parametrize("folder", sorted(RECORDED.glob("rpc-server-*")), ids=lambda path: path.name)
def test_what_a_healthy_one_prints_is_no_reason(folder):
    for name in ("help.txt", "device_list.txt", "memory_option.txt"):
        assert worker_words(tuple((folder / name).read_text().splitlines())) is None
