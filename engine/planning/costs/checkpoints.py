"""Where llama-server breaks a prompt to keep a checkpoint of the cache, and what reading one back from a worker takes.

A cache that cannot be rolled back token by token (sliding windows, recurrent states) is copied to the coordinator at such a
break (tools/server/server-context.cpp, ``checkpoint_offsets``; ``LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY``: only those layers). The
copy is one GET_TENSOR per tensor and run of cells, each waiting for its answer (llama-context.cpp, ``llama_io_write_host``;
llama-kv-cache.cpp, ``state_write_data``), so every windowed layer of a far worker costs two round trips per checkpoint: 0.3 s
for gemma-3-270m on a worker 5 ms away, 30 % of a prompt of 512 tokens. Rejected: ``--ctx-checkpoints 0`` (a chat's next turn
would process its whole prompt again).
"""

from __future__ import annotations

from itertools import pairwise

from engine.llama_cpp.gguf.kv_cache import cells_of_slot, kv_bytes_read, v_elements
from engine.planning.costs.layer_costs import path_seconds
from engine.vocabulary.model import KvFacts, LayerFacts, ModelFacts, kinds_of, of_each_layer
from engine.vocabulary.plan import RunShape
from engine.vocabulary.worker import WorkerOffer

TAIL_TOKENS = 4
"""Checkpoints are made 4 + ubatch and 4 tokens before the end of a prompt."""


def prompt_pieces(model: ModelFacts, shape: RunShape, prompt_tokens: int) -> tuple[int, ...]:
    """In what pieces llama-server processes a prompt, each to its end before the next; a checkpoint is kept between two."""
    marks = [0, *checkpoint_depths(model, shape, prompt_tokens), prompt_tokens]
    return tuple(end - start for start, end in pairwise(marks))


def checkpoint_depths(model: ModelFacts, shape: RunShape, prompt_tokens: int) -> tuple[int, ...]:
    """After how many tokens of a prompt its cache is saved; empty where every layer can be rolled back."""
    if not any(_is_saved(layer.kv) for layer in kinds_of(model.layers)):
        return ()
    offsets = {TAIL_TOKENS, min(shape.batch_tokens, TAIL_TOKENS + shape.ubatch_tokens)}
    return tuple(sorted(depth for offset in offsets if (depth := prompt_tokens - offset) > 0))


def layers_checkpoint_seconds(offer: WorkerOffer, model: ModelFacts, shape: RunShape, depth_tokens: int) -> tuple[float, ...]:
    """Seconds per layer of one checkpoint of one slot, with so many tokens in its cache."""

    def seconds(layer: LayerFacts) -> float:
        return _seconds(offer, layer.kv, shape, depth_tokens) if _is_saved(layer.kv) else 0.0

    return tuple(of_each_layer(model.layers, seconds))


def _is_saved(kv: KvFacts) -> bool:
    return bool(kv.sliding_window_tokens or kv.recurrent_bytes_per_sequence)


def _seconds(offer: WorkerOffer, kv: KvFacts, shape: RunShape, depth_tokens: int) -> float:
    saved = kv_bytes_read(kv, shape, depth_tokens)
    waiting = path_seconds(offer, 0, 0, asynchronous=True)
    return path_seconds(offer, 0, saved, asynchronous=True) + (_n_reads(kv, shape, depth_tokens) - 1) * waiting


def _n_reads(kv: KvFacts, shape: RunShape, depth_tokens: int) -> int:
    """K and V of every run of cells (two once the window has wrapped around its cells); without flash attention V lies
    transposed and is read row by row. Of a recurrent layer its two states."""
    if kv.recurrent_bytes_per_sequence:
        return 2
    runs = 1 if depth_tokens <= cells_of_slot(kv, shape) else 2
    values = v_elements(kv, shape)
    return runs * (1 + (values if shape.flash_attention is False else min(1, values)))
