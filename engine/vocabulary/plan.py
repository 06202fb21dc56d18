"""A plan: which layers go to which worker, and how that is told to llama.cpp."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary.device import DeviceKind
from engine.vocabulary.machine import MachineId
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.worker import Layout, WorkerId, WorkerOffer

MAX_DEVICES = 15
"""``GGML_SCHED_MAX_BACKENDS`` is 16 and the coordinator's CPU takes one (ggml-backend.cpp)."""


class Policy(StrEnum):
    """How layers are shared out."""

    FASTEST = "fastest"
    EVEN = "even"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """The sizes that decide how much memory a run takes. Names are llama-server's."""

    context_tokens: int = 4096
    """``-c``: for all slots together."""
    slots: int = 1
    """``-np``."""
    batch_tokens: int = 2048
    """``-b``."""
    ubatch_tokens: int = 256
    """``-ub``: ``-b`` at 8 times ``-ub`` gives prefill enough micro-batches to overlap."""
    cache_type_k: str = "f16"
    cache_type_v: str = "f16"
    flash_attention: bool | None = None
    """``None`` = llama-server's own choice (``-fa auto``)."""
    asynchronous_rpc: bool = True
    """Not a size: the build's RPC protocol is 6 or newer. Older ones wait for every answer and never pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSplit:
    """A split that is said and not searched for: llama.cpp's own, all workers, or that of an earlier run."""

    name: str
    """For people: ``llama.cpp's default split``."""
    seats: tuple[tuple[WorkerId, int], ...]
    """Workers in device order with their layers; the last one also holds the output."""
    native: frozenset[WorkerId] = frozenset()
    """Those of them that llama-server is to use itself: of a run that was recorded so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Everything the planner may look at. No clock, no randomness: the same request gives the same answer."""

    model: ModelFacts
    offers: tuple[WorkerOffer, ...]
    """In the order in which machines are listed, CPU before GPUs; the coordinator's own machine last."""
    native_offers: tuple[WorkerOffer, ...] = ()
    """The coordinator's own devices as llama-server would use them itself. ``fastest`` per device takes them instead of the
    offers of the same ids where it predicts that to be faster, a given split where it says so; nothing else looks at them."""
    policy: Policy = Policy.FASTEST
    layout: Layout = Layout.PER_DEVICE
    shape: RunShape = RunShape()
    prompt_share: float = 0.0
    """What "fastest" means: the share of all tokens that are prompt. 0 = chat (least seconds per generated token), 1 =
    documents (least seconds per prompt token), between them the mean seconds per token of such a mix."""
    outputs_per_slot: bool = False
    """The build keeps logits of one token per slot (llama.cpp since autumn 2026); else of a whole micro-batch."""
    max_devices: int = MAX_DEVICES
    """Devices that llama-server can drive: one less where the coordinator's build also has a BLAS backend."""
    coordinator_machine: MachineId | None = None
    """Where llama-server runs: its CPU's safe memory also carries the input embedding."""
    given: GivenSplit | None = None
    """Take exactly this split, or refuse; the policy is then only a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWorker:
    """One worker's share. ``first_layer`` is ``None`` when it holds no transformer layer."""

    offer: WorkerOffer
    first_layer: int | None
    n_layers: int
    holds_output: bool
    weights_bytes: int
    kv_bytes: int
    compute_bytes: int

    @property
    def id(self) -> WorkerId:
        """The worker's id."""
        return self.offer.id

    @property
    def kind(self) -> DeviceKind:
        """CPU or GPU."""
        return self.offer.kind

    @property
    def used(self) -> bool:
        """Whether anything is placed here."""
        return self.n_layers > 0 or self.holds_output

    @property
    def last_layer(self) -> int | None:
        """Index of the last transformer layer here, or ``None``."""
        return None if self.first_layer is None else self.first_layer + self.n_layers - 1

    @property
    def needed_bytes(self) -> int:
        """Weights, KV and compute buffers together."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedThroughput:
    """What the cost model says; ``None`` where a speed is not known."""

    decode_tokens_per_second: float | None = None
    prefill_tokens_per_second: float | None = None
    basis: str = ""
    """For people: from which figures it comes (``measured on these workers``, ``speeds from the cluster file``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimality:
    """How good a plan of the ``fastest`` policy is among all plans, by its own predictions."""

    proven: bool
    """No other choice of workers, order or layer counts is better (by more than the 0.1 % that keep the listed order)."""
    gap: float | None = None
    """Where it is not proven: at most this fraction of its seconds could still be gained; ``None`` = no bound is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which layers go where. ``workers`` holds every offer: used ones first in device order, then those left out."""

    policy: Policy
    layout: Layout
    model: ModelFacts
    shape: RunShape
    workers: tuple[PlannedWorker, ...]
    tensor_split: tuple[int, ...]
    """Integers for ``-ts``, one per used worker, summing to ``n_layers + 1``: exact in llama.cpp's float32 rule."""
    coordinator_bytes: int
    """RAM that llama-server itself needs: input embedding, and its own buffers."""
    predicted: PredictedThroughput
    notes: tuple[str, ...] = ()
    """Sentences for people: why a worker was left out, what was assumed."""
    optimality: Optimality | None = None
    """``None`` for policies that do not look for the fastest."""

    @property
    def native_cpu(self) -> PlannedWorker | None:
        """The CPU that holds the whole model in llama-server itself, where that is the plan."""
        return next((worker for worker in self.used_workers if worker.offer.is_native and worker.kind is DeviceKind.CPU), None)

    @property
    def used_workers(self) -> tuple[PlannedWorker, ...]:
        """Workers that hold something, in device order."""
        return tuple(worker for worker in self.workers if worker.used)

    def worker_of_layer(self, layer: int) -> WorkerId | None:
        """Who holds a layer; ``layer == n_layers`` is the output layer."""
        for worker in self.used_workers:
            if layer == self.model.n_layers and worker.holds_output:
                return worker.id
            first, last = worker.first_layer, worker.last_layer
            if first is not None and last is not None and first <= layer <= last:
                return worker.id
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What is missing on one worker (or over all: ``worker_id`` is ``None``)."""

    worker_id: WorkerId | None
    needed_bytes: int
    safe_bytes: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRefused:
    """There is no plan, and why."""

    policy: Policy
    layout: Layout
    reasons: tuple[str, ...]
    shortfalls: tuple[Shortfall, ...] = ()
    wished: tuple[PlannedWorker, ...] = ()
    """Of a given split that does not fit: the shares it would give, in device order, so that it can be shown beside the
    reasons. Never to be run, which is why it is no ``Plan``."""
