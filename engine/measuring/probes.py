"""What is run on a worker to know it, and what follows from the times. Pure.

Made-up models (``synthetic_model``), each for one unknown of the cost model, through the very path that a run uses:

- two tiny ones of 2 and 18 layers: the charge of a call, and of a layer
- one with a large cache: a token at depth 0 and at depth 512 differ by reading it. As many query heads read a key as in the
  model in question: a CPU's attention is work per query head (old processors were predicted 25 % too slow for a model with two
  of them per key from a measurement with four), a GPU's is bytes
- per type of weights one of about 80 MB (more than the caches of most processors): read speed; and one of 16 million
  parameters: compute speed for micro-batches of 8, 64 and 256 tokens. A short prompt in micro-batches of 8 comes first: where
  that is slow (an old processor without AVX took 99 s for four types), prompts are shorter and tokens fewer

Rejected: one run with the model in question alone (says nothing about another model of other types, and nothing at all where
the model does not fit on one worker), and a data sheet (q2_0 is read 40 times slower than f16 by some CPU builds).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2
from types import MappingProxyType

from engine.llama_cpp.gguf.kv_cache import kv_bytes_read
from engine.llama_cpp.gguf.tensor_types import TENSOR_TYPES
from engine.measuring.bench_rows import BenchRow
from engine.measuring.synthetic_model import SyntheticModel
from engine.planning.costs.layer_costs import charge_seconds, flops_per_prompt_token, prefill_charge_seconds
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import Speed, WorkerOffer

SHORT = SyntheticModel(
    name="calls-2", weights="q8_0", n_layers=2, width=256, feed_forward=256, n_head=4, n_head_kv=2, head_length=64
)
LONG = replace(SHORT, name="calls-18", n_layers=18)
DEPTH_TOKENS = 512
PROMPT_TOKENS = 256
UBATCHES = (8, 64, 256)

PACE_PROMPT_TOKENS = 32
"""Of the first, short prompt of a type; in micro-batches of the smallest size."""
MOST_READ_TOKENS, LEAST_READ_TOKENS = 16, 4
CACHE_TOKENS = 8
RUNS = 3
"""Of every test: two that count, and one before them that warms up."""
QUICK_SECONDS = 1.0
"""So long may all runs of one prompt take, and all runs of one generation."""
LEAST_SHARE = 0.04
"""Types that are less of a model than this are not measured: the mean of the others will do."""
_READ_BYTES = 80e6
_MOST_READ_PARAMETERS = 128e6
_COMPUTE_PARAMETERS = 16e6
_WIDTH = 2048
_CACHE_HEADS = 32
_LEAST_OVERHEAD_SECONDS = 0.00005
_FASTEST = 1e15
_BYTES_PER_PARAMETER = MappingProxyType({kind.name: kind.block_bytes / kind.block_elements for kind in TENSOR_TYPES.values()})


def queries_per_key(model: ModelFacts) -> int:
    """How many query heads share a key head, as a power of two; 4 where the header does not say."""
    if not model.n_head or not model.n_head_kv:
        return 4
    return min(_CACHE_HEADS, 1 << max(0, round(log2(model.n_head / model.n_head_kv))))


def cached(queries: int) -> SyntheticModel:
    """The model that times reading the cache, with so many query heads per key head."""
    return SyntheticModel(
        name=f"cache-{queries}",
        weights="q8_0",
        n_layers=4,
        width=256,
        feed_forward=256,
        n_head=_CACHE_HEADS,
        n_head_kv=_CACHE_HEADS // queries,
        head_length=128,
    )


def reader(kind: str) -> SyntheticModel:
    """The model that times reading a type."""
    return _of_type(f"read-{kind}", kind, _parameters_read(kind))


def _parameters_read(kind: str) -> float:
    return min(_READ_BYTES / _BYTES_PER_PARAMETER[kind], _MOST_READ_PARAMETERS)


def computer(kind: str) -> SyntheticModel:
    """The model that times computing with a type."""
    return _of_type(f"compute-{kind}", kind, _COMPUTE_PARAMETERS)


def _of_type(name: str, kind: str, parameters: float) -> SyntheticModel:
    n_layers = 2
    feed_forward = max(256, round(parameters / n_layers / 3 / _WIDTH / 256) * 256)
    return SyntheticModel(
        name=name,
        weights=kind,
        n_layers=n_layers,
        width=_WIDTH,
        feed_forward=feed_forward,
        n_head=4,
        n_head_kv=1,
        head_length=128,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeLengths:
    """How much of a type is timed on one worker."""

    prompt_tokens: int
    ubatches: tuple[int, ...]
    """Sizes beside the smallest, which is known already."""
    decode_tokens: int


def lengths_of_type(rows: Sequence[BenchRow], kind: str) -> TypeLengths | None:
    """As much as is quick by the pace of the first short prompt; ``None`` when that is missing. A larger micro-batch is no
    slower per token, and a generated token costs about as much per parameter as one of a micro-batch of 8."""
    pace = _seconds(rows, computer(kind).file_name, decode=False, ubatch=UBATCHES[0])
    if pace is None:
        return None
    prompt = PROMPT_TOKENS
    while prompt > PACE_PROMPT_TOKENS and RUNS * prompt * pace > QUICK_SECONDS:
        prompt //= 2
    token = pace * _parameters_read(kind) / _COMPUTE_PARAMETERS
    decode = int(QUICK_SECONDS / RUNS / token)
    return TypeLengths(
        prompt_tokens=prompt,
        ubatches=tuple(size for size in UBATCHES[1:] if size <= prompt) or (prompt,),
        decode_tokens=max(LEAST_READ_TOKENS, min(MOST_READ_TOKENS, decode)),
    )


def types_of(model: ModelFacts) -> tuple[str, ...]:
    """The types worth measuring for a model, most bytes first; empty when the model does not say."""
    read = bytes_by_type(model)
    total = sum(read.values())
    return tuple(kind for kind, size in read.most_common() if kind in _BYTES_PER_PARAMETER and size >= LEAST_SHARE * total)


def bytes_by_type(model: ModelFacts) -> Counter[str]:
    """What a token reads, head included."""
    read: Counter[str] = Counter()
    for layer in model.layers:
        read.update(dict(layer.active_bytes_by_type))
    if model.head_type:
        read[model.head_type] += model.head_bytes
    return read


def calls_of(
    rows: Sequence[BenchRow], offer: WorkerOffer, facts: Mapping[str, ModelFacts], cache: SyntheticModel
) -> Speed | None:
    """Charges of a call and of a layer, and the read speed of the ``cache``; ``None`` when a row is missing.

    Its other figures mean nothing: they are those of the types.
    """
    short, long = (_seconds(rows, model.file_name, decode=True) for model in (SHORT, LONG))
    flat, deep = (_seconds(rows, cache.file_name, decode=True, depth=depth) for depth in (0, DEPTH_TOKENS))
    if short is None or long is None or flat is None or deep is None:
        return None
    per_layer = max(0.0, (long - short) / (LONG.n_layers - SHORT.n_layers))
    path = charge_seconds(_without_overhead(offer), facts[SHORT.name], last=True) or 0.0
    overhead = max(_LEAST_OVERHEAD_SECONDS, short - SHORT.n_layers * per_layer - path)
    return Speed(
        read_bytes_per_second=_FASTEST,
        overhead_seconds=overhead,
        layer_overhead_seconds=per_layer,
        kv_bytes_per_second=_cache_bytes(facts[cache.name]) / max(deep - flat, 1e-6),
        measured=True,
    )


def _cache_bytes(model: ModelFacts) -> int:
    """Of the cells that the deep context has more than the empty one."""
    shape = RunShape(context_tokens=DEPTH_TOKENS)
    return sum(kv_bytes_read(layer.kv, shape, DEPTH_TOKENS) for layer in model.layers)


def type_speed(
    kind: str, rows: Sequence[BenchRow], offer: WorkerOffer, calls: Speed, facts: Mapping[str, ModelFacts]
) -> Speed | None:
    """How fast one type is read and computed with on this worker; ``None`` when a row is missing."""
    to_read, to_compute = facts[reader(kind).name], facts[computer(kind).name]
    token = _seconds(rows, reader(kind).file_name, decode=True)
    sizes = sorted({row.ubatch_tokens for row in rows if row.file_name == computer(kind).file_name})
    points = tuple((size, _compute_speed(rows, kind, size, offer, calls, to_compute)) for size in sizes)
    computes = tuple((size, rate) for size, rate in points if rate is not None)
    if token is None or not computes:
        return None
    fixed = (charge_seconds(replace(offer, speed=calls), to_read, last=True) or 0.0) + (
        to_read.n_layers * calls.layer_overhead_seconds
    )
    read_bytes = sum(layer.active_bytes for layer in to_read.layers) + to_read.head_bytes
    return replace(
        calls,
        read_bytes_per_second=read_bytes / max(token - fixed, 0.1 * token),
        compute_flops_per_second=computes[-1][1],
        compute_by_ubatch=computes,
    )


def _compute_speed(
    rows: Sequence[BenchRow], kind: str, ubatch: int, offer: WorkerOffer, calls: Speed, model: ModelFacts
) -> float | None:
    row = _row_of(rows, computer(kind).file_name, decode=False, ubatch=ubatch)
    if row is None:
        return None
    batch = ubatch / row.tokens_per_second
    charge = prefill_charge_seconds(replace(offer, speed=calls), model, ubatch, cells=row.prompt_tokens) or 0.0
    fixed = charge + model.n_layers * calls.layer_overhead_seconds
    return flops_per_prompt_token(model) * ubatch / max(batch - fixed, 0.1 * batch)


def combined(model: ModelFacts, calls: Speed, by_type: Mapping[str, Speed], source: str) -> Speed:
    """The speed of a worker for a model, from those of its types: bytes and flops in the model's own mixture."""
    read = bytes_by_type(model)
    known = {kind: size for kind, size in read.items() if kind in by_type}
    seconds = sum(size / by_type[kind].read_bytes_per_second for kind, size in known.items())
    computes = tuple((size, _mixed_compute(model, by_type, size)) for size in UBATCHES)
    return replace(
        calls,
        read_bytes_per_second=sum(known.values()) / seconds,
        read_bytes_per_second_by_type=tuple((kind, by_type[kind].read_bytes_per_second) for kind in known),
        compute_flops_per_second=computes[-1][1],
        compute_by_ubatch=computes,
        measured=True,
        source=source,
    )


def _mixed_compute(model: ModelFacts, by_type: Mapping[str, Speed], ubatch: int) -> float:
    """Flops per second over the layers (a prompt passes the head once): times add up, so rates are averaged harmonically."""
    parameters: Counter[str] = Counter()
    for layer in model.layers:
        for kind, size in layer.active_bytes_by_type:
            parameters[kind] += round(size / _BYTES_PER_PARAMETER[kind])
    known = {kind: count for kind, count in parameters.items() if kind in by_type} or dict.fromkeys(by_type, 1)
    seconds = sum(count / _at(by_type[kind], ubatch) for kind, count in known.items())
    return sum(known.values()) / seconds


def _at(speed: Speed, ubatch: int) -> float:
    return dict(speed.compute_by_ubatch).get(ubatch) or speed.compute_flops_per_second or _FASTEST


def _seconds(
    rows: Sequence[BenchRow], file_name: str, *, decode: bool, depth: int = 0, ubatch: int | None = None
) -> float | None:
    """Seconds per token of the row that is meant."""
    row = _row_of(rows, file_name, decode=decode, depth=depth, ubatch=ubatch)
    return None if row is None else 1.0 / row.tokens_per_second


def _row_of(
    rows: Sequence[BenchRow], file_name: str, *, decode: bool, depth: int = 0, ubatch: int | None = None
) -> BenchRow | None:
    for row in rows:
        same = row.file_name == file_name and row.depth_tokens == depth and (row.decode_tokens > 0) == decode
        if same and (ubatch is None or row.ubatch_tokens == ubatch):
            return row
    return None


def _without_overhead(offer: WorkerOffer) -> WorkerOffer:
    return replace(offer, speed=Speed(read_bytes_per_second=_FASTEST, overhead_seconds=0.0))
