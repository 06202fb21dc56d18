"""How many bytes the cache of a layer takes in a run: llama.cpp's own allocation, to the byte.

Sources: llama-context.cpp:246-305 (batch limits, padding of the context to 256), llama-kv-cache-iswa.cpp:73 (cells of
sliding-window layers), llama-kv-cache.cpp (K and V tensors), llama-memory-recurrent.cpp (states). llama-server with ``-np``
gives every slot a stream of its own (``kv_unified`` stays false; only ``-np`` left out or ``-kvu`` makes it true:
tools/server/server.cpp:156), so the context is divided by the slots. Not counted: ``--swa-full`` and the extra states of
speculative decoding, which we do not ask for.
"""

from __future__ import annotations

from typing import Final

from engine.errors import BadInput
from engine.llama_cpp.gguf.tensor_types import CACHE_TYPES, TensorType
from engine.vocabulary.model import KvFacts
from engine.vocabulary.plan import RunShape

CELL_PADDING: Final = 256
MOST_SLOTS: Final = 256
"""``LLAMA_MAX_SEQ`` (llama-cparams.h): with more, llama.cpp ends while it loads."""


def kv_bytes_of_layer(facts: KvFacts, shape: RunShape) -> int:
    """Bytes of one layer's cache for all slots. Raises ``BadInput`` for sizes or cache types that llama.cpp has not."""
    cells = cells_of_layer(facts, shape)
    return cells * _cell_bytes(facts, shape) + shape.slots * facts.recurrent_bytes_per_sequence


def kv_bytes_read(facts: KvFacts, shape: RunShape, depth_tokens: int) -> int:
    """Bytes of one layer's cache that one token of one slot reads with so much context before it. Cells without a token are
    there, but masked: the CPU's attention skips them (ggml-cpu/ops.cpp: ``-INFINITY`` in the mask). Raises as above."""
    cells = max(1, min(depth_tokens, shape.context_tokens))
    if facts.sliding_window_tokens is not None:
        cells = min(cells, facts.sliding_window_tokens)
    return cells * _cell_bytes(facts, shape) + facts.recurrent_bytes_per_sequence


def cells_of_layer(facts: KvFacts, shape: RunShape) -> int:
    """Tokens that a layer has room for, over all slots."""
    return cells_of_slot(facts, shape) * shape.slots


def cells_of_slot(facts: KvFacts, shape: RunShape) -> int:
    """Tokens of one slot that a layer has room for."""
    per_slot = context_of_slot(shape)
    if facts.sliding_window_tokens is not None:
        batch = min(shape.context_tokens, shape.batch_tokens)
        ubatch = min(batch, shape.ubatch_tokens or shape.batch_tokens)
        per_slot = _padded(min(per_slot, facts.sliding_window_tokens + ubatch))
    return per_slot


def context_of_slot(shape: RunShape) -> int:
    """``n_ctx_seq``: the context of one slot after llama.cpp's padding."""
    if shape.context_tokens < 1 or shape.slots < 1 or shape.batch_tokens < 1 or shape.ubatch_tokens < 0:
        raise BadInput(
            f"A run with {shape.context_tokens} tokens of context, {shape.slots} slots and batches of {shape.batch_tokens} "
            f"and {shape.ubatch_tokens} is not possible.",
            advice="Choose at least one token, one slot and a batch of one.",
        )
    if shape.slots > MOST_SLOTS:
        raise BadInput(
            f"llama.cpp takes {MOST_SLOTS} slots at most, and {shape.slots} were chosen.",
            advice=f"Choose {MOST_SLOTS} or fewer.",
        )
    return _padded(_padded(shape.context_tokens) // shape.slots)


def _cell_bytes(facts: KvFacts, shape: RunShape) -> int:
    k_type, v_type = _cache_type(shape.cache_type_k), _cache_type(shape.cache_type_v)
    if shape.flash_attention is not False:
        _refuse_cut_heads(k_type, "key", facts.k_head_elements)
        _refuse_cut_heads(v_type, "value", facts.v_head_elements)
    return k_type.row_bytes(facts.k_elements_per_token) + v_type.row_bytes(v_elements(facts, shape))


def _refuse_cut_heads(kind: TensorType, what: str, elements: int) -> None:
    """llama.cpp refuses it while it loads (llama-context.cpp, "does not divide n_embd_head_k")."""
    if elements % kind.block_elements:
        raise BadInput(
            f"A KV cache of type {kind.name} is not possible for this model: a {what} of one head has {elements} values, and "
            f"the type packs {kind.block_elements} together.",
            advice="Choose the type f16.",
        )


def v_elements(facts: KvFacts, shape: RunShape) -> int:
    """Without flash attention V is stored transposed, every layer as wide as the widest (``TAG_V_CACHE_VARIABLE``)."""
    if shape.flash_attention is False and facts.v_elements_without_flash_attention is not None:
        return facts.v_elements_without_flash_attention
    return facts.v_elements_per_token


def _cache_type(name: str) -> TensorType:
    kind = CACHE_TYPES.get(name)
    if kind is None:
        raise BadInput(f"There is no cache type {name!r}.", advice=f"Choose one of {', '.join(CACHE_TYPES)}.")
    return kind


def _padded(cells: int) -> int:
    return -(-cells // CELL_PADDING) * CELL_PADDING
