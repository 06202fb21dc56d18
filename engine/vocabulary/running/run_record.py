"""The record of one measured run: everything that is needed to run it again elsewhere, or to say what differs there.

Plain values and no references to other parts of the vocabulary but the run shape: a record outlives the code that wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from engine.vocabulary.plan import RunShape


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedWorker:
    """A worker that held something, in device order."""

    id: str
    machine_id: str
    machine_name: str
    kind: str
    device_name: str
    description: str
    threads: int | None
    n_layers: int
    holds_output: bool
    needed_bytes: int
    safe_bytes: int
    total_bytes: int
    exposure: str
    rtt_seconds: float | None = None
    link_bytes_per_second: float | None = None
    read_bytes_per_second: float | None = None
    """As it was predicted with, refinement included."""
    compute_flops_per_second: float | None = None
    decode_share: float | None = None
    """Part of the predicted time of a token that is spent here, 0..1."""
    refined_decode: float = 1.0
    """By what its calibrated read speed was multiplied for the prediction."""
    refined_prefill: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMachine:
    """A machine that took part, and what it was doing just before."""

    id: str
    name: str
    os_name: str
    architecture: str
    cpu: str
    ram_total_bytes: int
    gpus: tuple[str, ...] = ()
    cpu_busy_fraction: float | None = None
    ram_available_bytes: int | None = None
    gpu_busy_fractions: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedModel:
    """The model file."""

    name: str
    file_name: str
    size_label: str
    architecture: str
    n_layers: int
    total_bytes: int
    hash: str
    """SHA-256 of the first MiB and the file sizes; empty = the file could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedBuild:
    """The llama.cpp programs of the coordinator."""

    runtime_id: str
    build_number: int | None
    commit: str | None
    protocol: str | None
    backends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSample:
    """llama-server's own timings of one standard request."""

    prompt_tokens: int
    prompt_seconds: float
    decoded_tokens: int
    decode_seconds: float
    warm_up: bool = False
    """Not counted in medians: the first of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One launch of one plan, with what was measured."""

    id: str = ""
    """Given by the history when it is kept."""
    at: str = ""
    """UTC, ISO 8601; given by the history."""
    crossply_version: str
    build: RecordedBuild
    model: RecordedModel
    shape: RunShape
    policy: str
    given: str = ""
    """What the split is called when it was given and not found by the policy (``Your split``, ``hybrid (all workers)``)."""
    layout: str
    workers: tuple[RecordedWorker, ...]
    tensor_split: tuple[int, ...]
    cpu_workers: int = 1
    """Into how many the processor of every machine was divided."""
    machines: tuple[RecordedMachine, ...]
    pipelined: bool | None = None
    map_matches: bool | None = None
    decode_predicted: float | None = None
    """Tokens per second."""
    prefill_predicted: float | None = None
    basis: str = ""
    samples: tuple[RecordedSample, ...] = ()

    @property
    def plan_name(self) -> str:
        """Whose split it is."""
        return self.given or self.policy

    @property
    def counted(self) -> tuple[RecordedSample, ...]:
        """Samples without the warm-up."""
        return tuple(sample for sample in self.samples if not sample.warm_up)

    @property
    def decode_rates(self) -> tuple[float, ...]:
        """Tokens per second of each counted sample."""
        return tuple(s.decoded_tokens / s.decode_seconds for s in self.counted if s.decoded_tokens and s.decode_seconds > 0)

    @property
    def prefill_rates(self) -> tuple[float, ...]:
        """Tokens per second of each counted sample."""
        return tuple(s.prompt_tokens / s.prompt_seconds for s in self.counted if s.prompt_tokens and s.prompt_seconds > 0)

    @property
    def decode_measured(self) -> float | None:
        """Median, tokens per second."""
        return median(self.decode_rates) if self.decode_rates else None

    @property
    def prefill_measured(self) -> float | None:
        """Median, tokens per second."""
        return median(self.prefill_rates) if self.prefill_rates else None

    @property
    def seats(self) -> tuple[tuple[str, int], ...]:
        """Worker and layers, in device order: the split as a plan can be given it."""
        return tuple((worker.id, worker.n_layers) for worker in self.workers)
