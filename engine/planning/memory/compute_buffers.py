"""Compute buffers: what llama.cpp allocates on a device beside weights and KV. A formula that is never under, yet close.

Worked out from the graph (llama.cpp ``llama-context.cpp:sched_reserve`` reserves one micro-batch of ``min(n_ctx, n_ubatch)``
tokens; ``ggml-alloc.c`` reuses memory, so the largest moment counts) and held against 90 real runs of
``llama-fit-params`` and ``llama-server`` (``tests/engine/planning/memory``). Per micro-batch of ``u`` tokens:

- ``X = 4 u n_embd`` the residual stream, ``F = 4 u n_ff`` one feed-forward activation (times experts used), ``A = 4 u n_head
  head_dim`` queries, ``K = 4 u n_head_kv head_dim`` keys
- inputs that other devices send, each in 4 copies when llama.cpp pipelines (``GGML_SCHED_MAX_COPIES``): the masks
  ``u n_ctx / slots`` (f16 with flash attention, else f32 and an int64 per stored value; one more for sliding windows), and X:
  once on the first device, twice on later ones
- the largest moment: ``3F + 2X + A`` in the feed-forward, ``2X + 2A + 2K`` in attention (without flash attention the
  scores ``4 u n_ctx n_head`` in place of 2K), ``4 n_vocab rows + X`` at the output
- a state-space layer (mamba2, measured in 28 runs): with ``Z`` its in-projection, 5.1 Z are alive at once (3.7 Z on one device
  alone), and what goes from device to device inside it comes in 4 copies too: Z on a middle device, Z / 2 on the last

Rejected: asking ``llama-fit-params`` for every plan: exact, but half a second each, it needs the workers running, and what-if
plans have none. ``rows``: builds of autumn 2026 reserve logits for one row per slot, older ones (and ``llama-bench``) for the
whole micro-batch (``llama_cpp.output_rows``). ``tests/benchmarks/memory_forecast.py`` holds whole plans against real runs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from engine.llama_cpp.gguf.kv_cache import cells_of_layer, context_of_slot
from engine.vocabulary.model import KvFacts, LayerFacts, ModelFacts, kinds_of
from engine.vocabulary.plan import RunShape

PIPELINE_COPIES = 4
"""``GGML_SCHED_MAX_COPIES`` (ggml-backend.cpp)."""
FLOAT_BYTES = 4
CALIBRATED_ARCHITECTURES = frozenset({"llama", "qwen2", "qwen3", "qwen3moe", "gemma3", "mamba2"})
MARGIN = 1.03
UNCALIBRATED_MARGIN = 1.3
"""For graphs that were not measured: fused gates, state spaces and the like keep some more activations alive."""
RECURRENT_PIPELINED, RECURRENT_ALONE = 5.1, 3.7
FIXED_SLACK_BYTES = 512 * 1024
PROCESS_BYTES = 128 * 1024 * 1024
"""llama-server itself: code, tokenizer, HTTP, buffers for loading; 49 MB of its own memory were
seen while it loaded a model with a vocabulary of 262k."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRole:
    """Where a device stands in the run."""

    pipelined: bool
    """More than one device is used: llama.cpp keeps 4 copies of every input."""
    is_first: bool = False
    holds_output: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Activations:
    """Bytes of the activations of one micro-batch; the letters of the module's docstring."""

    residual: int
    feed_forward: int
    queries: int
    keys: int
    masks: int
    scores: int
    recurrent: int


def compute_bytes(
    model: ModelFacts, shape: RunShape, role: DeviceRole, layers: Sequence[LayerFacts], *, logit_rows: int | None = None
) -> int:
    """Bytes of the compute buffer of a device that runs ``layers``. ``logit_rows`` is ``None`` for a whole micro-batch."""
    if model.n_embd == 0:
        return 0
    size = _activations(model, shape, kinds_of(layers))
    copies = PIPELINE_COPIES if role.pipelined else 1
    received = copies * size.residual * (2 if role.pipelined and not role.is_first else 1)
    moments = [size.residual]
    if layers:
        moments += [_feed_forward_moment(model, size), _attention_moment(size)]
        moments.append(round(size.recurrent * (RECURRENT_PIPELINED if role.pipelined else RECURRENT_ALONE)))
    if role.pipelined and not role.is_first:
        received += copies * size.recurrent // (2 if role.holds_output else 1)
    if role.holds_output:
        rows = _micro_batch(shape) if logit_rows is None else logit_rows
        moments.append(FLOAT_BYTES * model.n_vocab * rows + size.residual)
    return copies * size.masks + _with_margin(model, received + max(moments))


def host_bytes(model: ModelFacts, shape: RunShape, *, pipelined: bool) -> int:
    """RAM that llama-server's own buffers take on the coordinator: compute, the logits of every slot, the process."""
    if model.n_embd == 0:
        return 0
    size = _activations(model, shape, kinds_of(model.layers))
    copies = PIPELINE_COPIES if pipelined else 1
    compute = copies * size.masks + (copies + 1) * size.residual
    logits = FLOAT_BYTES * model.n_vocab * shape.slots
    return _with_margin(model, compute) + logits + PROCESS_BYTES


def _has_recurrent(kinds: Collection[LayerFacts]) -> bool:
    return any(layer.kv.recurrent_bytes_per_sequence for layer in kinds)


def _feed_forward_moment(model: ModelFacts, size: _Activations) -> int:
    dense = 3 * size.feed_forward
    experts = 2 * model.n_experts_used * size.residual + size.feed_forward
    return max(dense, experts) + 2 * size.residual + size.queries


def _attention_moment(size: _Activations) -> int:
    return 2 * size.residual + 2 * size.queries + (size.scores or 2 * size.keys)


def _activations(model: ModelFacts, shape: RunShape, kinds: Collection[LayerFacts]) -> _Activations:
    tokens = _micro_batch(shape)
    all_kinds = kinds_of(model.layers)
    key_elements = max((layer.kv.k_elements_per_token for layer in all_kinds), default=0)
    query_elements = model.n_head * key_elements // model.n_head_kv if model.n_head_kv and key_elements else 2 * model.n_embd
    unfused = shape.flash_attention is False
    places = 8 * key_elements * len(_windows(kinds)) if unfused else 0
    cells = context_of_slot(shape)
    return _Activations(
        residual=FLOAT_BYTES * tokens * model.n_embd,
        feed_forward=FLOAT_BYTES * tokens * max(model.n_ff, _expert_width(model, all_kinds)),
        queries=FLOAT_BYTES * tokens * query_elements,
        keys=FLOAT_BYTES * tokens * key_elements,
        masks=tokens * (_mask_cells(shape, kinds) * (FLOAT_BYTES if unfused else 2) + places),
        recurrent=FLOAT_BYTES * tokens * model.recurrent_width * _has_recurrent(kinds),
        scores=FLOAT_BYTES * tokens * cells * max(1, model.n_head) if unfused else 0,
    )


def _micro_batch(shape: RunShape) -> int:
    return min(context_of_slot(shape) * shape.slots, shape.batch_tokens, shape.ubatch_tokens or shape.batch_tokens)


def _mask_cells(shape: RunShape, kinds: Collection[LayerFacts]) -> int:
    """Cells of the masks that these layers look at: one for the context of a slot, one per sliding window."""
    context = context_of_slot(shape)
    return sum(context if window is None else _window_cells(shape, window, context) for window in _windows(kinds))


def _window_cells(shape: RunShape, window: int, context: int) -> int:
    one_slot = replace(shape, context_tokens=context, slots=1)
    return cells_of_layer(KvFacts(sliding_window_tokens=window), one_slot)


def _windows(kinds: Collection[LayerFacts]) -> set[int | None]:
    """The kinds of caches: one for the whole context (``None``), one per size of sliding window."""
    return {layer.kv.sliding_window_tokens for layer in kinds if layer.kv.k_elements_per_token}


def _expert_width(model: ModelFacts, kinds: Collection[LayerFacts]) -> int:
    """Activations of all experts that one token uses, from the bytes: the header's ``n_ff`` is often the dense one's."""
    if not model.n_experts_used or model.n_experts <= model.n_experts_used or not model.n_parameters or not model.total_bytes:
        return model.n_ff
    idle = max((layer.weights_bytes - layer.active_bytes for layer in kinds), default=0)
    parameters = idle / (model.n_experts - model.n_experts_used) * model.n_parameters / model.total_bytes
    one_expert = parameters / (3 * model.n_embd)
    return max(model.n_ff, round(1.1 * one_expert * model.n_experts_used))


def _with_margin(model: ModelFacts, size: int) -> int:
    margin = MARGIN if model.architecture in CALIBRATED_ARCHITECTURES else UNCALIBRATED_MARGIN
    return round(size * margin) + FIXED_SLACK_BYTES
