"""Throughput: tokens per second, measured by llama-server itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputSample:
    """One reading of llama-server's counters. ``None`` = nothing of that kind ran in the interval: a gap, not a zero."""

    at_seconds: float
    """Monotonic clock."""
    decode_tokens_per_second: float | None
    prefill_tokens_per_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTimings:
    """llama-server's own timings of one finished request (``timings`` of its answer)."""

    prompt_tokens: int
    prompt_seconds: float
    decoded_tokens: int
    decode_seconds: float

    @property
    def prefill_tokens_per_second(self) -> float | None:
        """Prompt tokens per second, ``None`` for an empty or fully cached prompt."""
        return self.prompt_tokens / self.prompt_seconds if self.prompt_tokens and self.prompt_seconds > 0 else None

    @property
    def decode_tokens_per_second(self) -> float | None:
        """Generated tokens per second."""
        return self.decoded_tokens / self.decode_seconds if self.decoded_tokens and self.decode_seconds > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """How far the model is loaded."""

    done_bytes: int
    total_bytes: int

    @property
    def fraction(self) -> float:
        """0..1."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 0.0
