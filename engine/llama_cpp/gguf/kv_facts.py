"""What every layer keeps per token or per sequence, from the keys of a GGUF header.

Sources: llama-kv-cache.cpp (constructor: ``n_embd_k_gqa`` x cells, no V for MLA), llama-hparams.cpp (``n_embd_r``,
``n_embd_s``), llama-memory-recurrent.cpp, and for the key caches of sparse attention's indexers llama-kv-cache-dsa.cpp,
llama-kv-cache-msa.cpp, llama-memory-hybrid-idx.cpp. DeepSeek V4's compressed caches (llama-kv-cache-dsv4.cpp) are bounded
from above, not modelled: twice a full-context K.
"""

from __future__ import annotations

from engine.llama_cpp.gguf.layer_kinds import attention_layers, recurrent_layers, sliding_windows
from engine.llama_cpp.gguf.model_keys import ModelKeys
from engine.vocabulary.model import KvFacts

_F32_BYTES = 4


def kv_facts_of_layers(keys: ModelKeys) -> tuple[KvFacts, ...]:
    """One for every layer of ``keys.n_layers``. Raises ``BadModelFile``."""
    attends, recurs, windows = attention_layers(keys), recurrent_layers(keys), sliding_windows(keys)
    state = _recurrent_state_bytes(keys) if any(recurs) else 0
    widths = [_widths(keys, n_head_kv, windows[layer]) for layer, n_head_kv in enumerate(keys.heads()[1])]
    widest_v = max(v for _, v in widths)
    facts = []
    for layer in range(keys.n_layers):
        k, v = widths[layer] if attends[layer] else (0, 0)
        index_k, index_v = _indexer_widths(keys, layer) if attends[layer] else (0, 0)
        head_k, head_v = _head_lengths(keys, windows[layer]) if attends[layer] else (0, 0)
        facts.append(
            KvFacts(
                k_elements_per_token=k + index_k,
                v_elements_per_token=v + index_v,
                v_elements_without_flash_attention=widest_v + index_v if 0 < v < widest_v else None,
                sliding_window_tokens=windows[layer] if attends[layer] else None,
                k_head_elements=head_k,
                v_head_elements=head_v,
                recurrent_bytes_per_sequence=(state + _ple_history_bytes(keys, layer)) * recurs[layer],
            )
        )
    return tuple(facts)


def _widths(keys: ModelKeys, n_head_kv: int, window: int | None) -> tuple[int, int]:
    """Elements of K and V (``n_embd_k_gqa``, ``n_embd_v_gqa``); the cache of MLA holds only the compressed K."""
    k, v = _head_lengths(keys, window)
    if keys.architecture == "deepseek4":
        return 2 * k * n_head_kv, 0
    return k * n_head_kv, 0 if _is_mla(keys) else v * n_head_kv


def _head_lengths(keys: ModelKeys, window: int | None) -> tuple[int, int]:
    """``n_embd_head_k`` and ``n_embd_head_v`` of a layer with this window."""
    k, v = keys.head_lengths()
    if window is None:
        return k, v
    return keys.number("attention.key_length_swa", k), keys.number("attention.value_length_swa", v)


def _is_mla(keys: ModelKeys) -> bool:
    """llama-hparams.cpp ``is_mla``. Older DeepSeek files without these keys are kept as ordinary attention."""
    return bool(keys.number("attention.key_length_mla") and keys.number("attention.value_length_mla"))


def _indexer_widths(keys: ModelKeys, layer: int) -> tuple[int, int]:
    """Keys of the indexer that sparse attention keeps beside the cache, as extra elements of K (and V, in MiniMax M3)."""
    width = keys.number("attention.indexer.key_length")
    architecture = keys.architecture
    if architecture == "minimax-m3":
        sparse = layer >= keys.number("leading_dense_block_count")
        return (width, keys.head_lengths()[1]) if sparse else (0, 0)
    if architecture in ("deepseek32", "qwen4exp"):
        return width, 0
    if architecture not in ("glm-dsa", "glm5-next", "hy_v4", "dots3note"):
        return 0, 0
    if architecture == "hy_v4" and not keys.number("attention.indexer.top_k"):
        return 0, 0
    types = keys.numbers("attention.indexer.types") or (1,) * keys.n_layers
    pooled = 3 if keys.number("attention.indexer.kpool") and architecture == "glm5-next" else 1
    return (width * pooled if layer < len(types) and types[layer] else 0), 0


def _recurrent_state_bytes(keys: ModelKeys) -> int:
    """``(n_embd_r + n_embd_s)`` in f32: convolution history and state of one sequence in one layer."""
    return _F32_BYTES * sum(_recurrent_widths(keys))


def _recurrent_widths(keys: ModelKeys) -> tuple[int, int]:
    """``n_embd_r`` and ``n_embd_s``, in the order in which llama-hparams.cpp asks."""
    n_embd, n_head = keys.number("embedding_length"), keys.heads()[0][0]
    n_conv = max(keys.number("ssm.conv_kernel") - 1, 0)
    d_inner, d_state = keys.number("ssm.inner_size"), keys.number("ssm.state_size")
    if head_size := keys.number("wkv.head_size"):
        return keys.number("token_shift_count", 2) * n_embd, n_embd * head_size
    if kept := keys.number("shortconv.l_cache"):
        return n_embd * (kept - 1), d_state * d_inner
    if kda := keys.number("kda.head_dim"):
        return 3 * (n_conv if keys.number("ssm.conv_kernel") else 3) * n_head * kda, kda * kda * n_head
    if keys.architecture == "minimax-01":
        return 0, keys.head_lengths()[0] ** 2 * n_head
    return n_conv * (d_inner + 2 * keys.number("ssm.group_count") * d_state), d_state * d_inner


def recurrent_width(keys: ModelKeys) -> int:
    """Values that a state-space layer's in-projection makes of a token: ``2 d_inner + 2 n_group d_state + n_head`` of mamba2
    (``d_in_proj`` in src/models/mamba-base.cpp; mamba's ``2 d_inner`` is less)."""
    d_inner, d_state = keys.number("ssm.inner_size"), keys.number("ssm.state_size")
    if not d_inner:
        return 0
    return 2 * d_inner + 2 * keys.number("ssm.group_count") * d_state + keys.number("ssm.time_step_rank")


def _ple_history_bytes(keys: ModelKeys, layer: int) -> int:
    """llama-hparams.cpp ``ple_conv_state``: the n-gram module that one layer of Qwen4-exp has."""
    if keys.architecture != "qwen4exp" or layer not in (keys.numbers("ple.layers") or ()):
        return 0
    rows = max(keys.number("ple.conv_kernel") - 1, 0) * keys.number("ple.ngram_size")
    return _F32_BYTES * rows * keys.number("hyper_connection.count") * keys.number("embedding_length")
