"""Lines that were not recorded here, word for word from the source or from users' reports."""

from __future__ import annotations

import pytest

from engine.llama_cpp.crash_lines import fatal_error_in


@pytest.mark.parametrize(
    ("line", "sentence", "endpoint"),
    [
        ("E RPC server version mismatch: 4.0.1", "speaks protocol 4.0.1", None),
        (
            "/x/ggml-rpc.cpp:550: RPC handshake failed for gpu-node:50052",
            "gpu-node:50052 and this llama-server",
            "gpu-node:50052",
        ),
        ("unable to allocate RPC1[10.0.0.2:50053] buffer", "The worker at 10.0.0.2:50053 has no room", "10.0.0.2:50053"),
        ("failed to allocate CUDA0 buffer of size 1048576", "The coordinator's CUDA0 has no room for a buffer of 1 MiB", None),
        ("/x/y.cpp:12: GGML_ASSERT(n_backends <= 16) failed", "“n_backends <= 16” does not hold", None),
        ("unknown model architecture: 'foo9'", "kind “foo9”", None),
        ("CUDA error: out of memory", "ran out of memory", None),
    ],
)
def test_sentences(line: str, sentence: str, endpoint: str | None) -> None:
    error = fatal_error_in(line)
    assert error is not None
    assert sentence in error.sentence
    assert error.endpoint == endpoint
    assert error.advice
    assert not error.vague


def test_a_vague_line_is_marked() -> None:
    error = fatal_error_in("srv  llama_server: exiting due to model loading error")
    assert error is not None
    assert error.vague


@pytest.mark.parametrize(
    "line", ["", "load_tensors: offloaded 19/19 layers to GPU", "srv llama_server: model loaded", "GGML_ASSERT", "recv failed"]
)
def test_harmless_lines(line: str) -> None:
    assert fatal_error_in(line) is None


def test_braces_in_a_line_are_no_format() -> None:
    error = fatal_error_in("GGML_ASSERT(x == {0} {what.__class__}) failed")
    assert error is not None
    assert "{0} {what.__class__}" in error.sentence
