"""Which layers of a model attend, slide or recur, architecture by architecture, exactly as llama.cpp decides it.

Sources: ``load_arch_hparams`` of src/models/*.cpp (windows, patterns, recurrent layers), llama-model.cpp ``load_swa_pattern``
and ``create_memory`` (which layers get a cache), llama-hparams.cpp ``set_swa_pattern``. Rejected: reading only
``attention.sliding_window``: phi3 has the key and llama.cpp ignores it, llama4 and smallthinker replace its value, and most
files do not carry the pattern. An architecture that is not listed here counts as full attention: never too little memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from engine.llama_cpp.gguf.model_keys import ModelKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliding:
    """How an architecture slides. Every ``period``-th layer is full attention; 0 = only an array in the file says which."""

    period: int = 0
    dense_first: bool = False
    default_tokens: int = 0
    """The window when the file names none; 0 = then no layer slides."""
    fixed_tokens: int | None = None
    """The window that llama.cpp takes whatever the file says (unless it says 0)."""


SLIDING: Final = MappingProxyType(
    {
        "afmoe": Sliding(period=4),
        "cohere2": Sliding(period=4),
        "cohere2moe": Sliding(period=4, dense_first=True),
        "dots3note": Sliding(),
        "exaone-moe": Sliding(period=4, default_tokens=128),
        "exaone4": Sliding(period=4, default_tokens=4096),
        "gemma2": Sliding(period=2, default_tokens=4096),
        "gemma3": Sliding(period=6),
        "gemma3n": Sliding(period=5),
        "gemma4": Sliding(),
        "gpt-oss": Sliding(period=2),
        "granite_swa": Sliding(),
        "laguna": Sliding(period=4, dense_first=True),
        "llama4": Sliding(period=4, default_tokens=8192, fixed_tokens=8192),
        "maple": Sliding(),
        "mellum": Sliding(period=4),
        "mimo2": Sliding(),
        "muse-glimmer": Sliding(period=4),
        "olmo2": Sliding(period=4),
        "plamo3": Sliding(period=8),
        "smallthinker": Sliding(period=4, dense_first=True, fixed_tokens=4096),
        "spark2_5": Sliding(),
        "step35": Sliding(),
    }
)

WITHOUT_CACHE: Final = frozenset(
    (
        "bert",
        "jina-bert-v2",
        "jina-bert-v3",
        "nomic-bert",
        "nomic-bert-moe",
        "neo-bert",
        "eurobert",
        "wavtokenizer-dec",
        "modern-bert",
        "gemma-embedding",
        "dream",
        "llada",
        "llada-moe",
        "rnd1",
    )
)
"""llama-model.cpp ``create_memory``: encoders and diffusion models keep nothing."""

RECURRENT: Final = frozenset(("mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"))
"""llama-arch.cpp ``llm_arch_is_recurrent``."""

_RECURRENT_WITHOUT_KV_HEADS: Final = frozenset(
    (
        "jamba",
        "plamo2",
        "granitehybrid",
        "lfm2",
        "lfm2moe",
        "kimi-linear",
        "kimi-k3",
        "bailingmoe3",
        "glm5-next",
        "nemotron_h",
        "nemotron_h_moe",
    )
)
_FULL_ATTENTION_INTERVAL: Final = MappingProxyType(
    {"qwen3next": 4, "qwen35": 4, "qwen35moe": 4, "qwen4exp": 4, "minimax-01": 8}
)
_ONLY_TRUNK_ATTENDS: Final = frozenset({*_FULL_ATTENTION_INTERVAL, "glm5-next"})


def recurrent_layers(keys: ModelKeys) -> tuple[bool, ...]:
    """For every layer, whether it keeps a recurrent state."""
    every = range(keys.n_layers)
    if keys.architecture in RECURRENT or keys.architecture == "falcon-h1":
        return tuple(layer < keys.n_trunk for layer in every)
    if keys.architecture in _RECURRENT_WITHOUT_KV_HEADS:
        n_ff = _feed_forward(keys)
        return tuple(layer < keys.n_trunk and heads == 0 and n_ff[layer] == 0 for layer, heads in enumerate(keys.heads()[1]))
    if keys.architecture not in _FULL_ATTENTION_INTERVAL:
        return (False,) * keys.n_layers
    if keys.numbers("attention.recurrent_layers") is not None:
        listed = keys.per_layer("attention.recurrent_layers", ())
        return tuple(bool(listed[layer]) and layer < keys.n_trunk for layer in every)
    interval = max(1, keys.number("full_attention_interval", _FULL_ATTENTION_INTERVAL[keys.architecture]))
    return tuple(layer < keys.n_trunk and (layer + 1) % interval != 0 for layer in every)


def attention_layers(keys: ModelKeys) -> tuple[bool, ...]:
    """For every layer, whether it has a key-value cache."""
    every = range(keys.n_layers)
    if keys.architecture in WITHOUT_CACHE or keys.architecture in RECURRENT:
        return (False,) * keys.n_layers
    if keys.architecture == "falcon-h1":
        return (True,) * keys.n_layers
    recurrent = recurrent_layers(keys)
    if keys.architecture in _RECURRENT_WITHOUT_KV_HEADS or keys.architecture in _ONLY_TRUNK_ATTENDS:
        n_ff = _feed_forward(keys)
        end = keys.n_trunk if keys.architecture in _ONLY_TRUNK_ATTENDS else keys.n_layers
        return tuple(layer < end and not recurrent[layer] and n_ff[layer] == 0 for layer in every)
    end = min(_layers_that_share_nothing(keys), keys.n_trunk or keys.n_layers)
    return tuple(layer < end for layer in every) if keys.architecture != "graniteswitch" else (True,) * keys.n_layers


def sliding_windows(keys: ModelKeys) -> tuple[int | None, ...]:
    """For every layer its window in tokens, or ``None`` for the whole context."""
    none: tuple[int | None, ...] = (None,) * keys.n_layers
    window = keys.number("attention.sliding_window")
    if keys.architecture in ("lfm2", "lfm2moe"):
        recurrent = recurrent_layers(keys)
        return tuple(window if window and not recurs else None for recurs in recurrent)
    sliding = SLIDING.get(keys.architecture)
    if sliding is None or (keys.architecture == "exaone4" and keys.n_trunk != 64):
        return none
    window = keys.number("attention.sliding_window", sliding.default_tokens)
    if window == 0:
        return none
    tokens = sliding.fixed_tokens or window
    return tuple(tokens if slides else None for slides in _pattern(keys, sliding))


def _pattern(keys: ModelKeys, sliding: Sliding) -> tuple[bool, ...]:
    listed = keys.numbers("attention.sliding_window_pattern")
    if listed is not None:
        padded = (*listed, *(0,) * keys.n_layers)
        return tuple(bool(padded[layer]) for layer in range(keys.n_layers))
    period = keys.number("attention.sliding_window_pattern", sliding.period) if sliding.period else 1
    return tuple(layer < keys.n_trunk and _slides(layer, period, sliding) for layer in range(keys.n_layers))


def _slides(layer: int, period: int, sliding: Sliding) -> bool:
    if period == 0:
        return True
    return layer % period != 0 if sliding.dense_first else layer % period < period - 1


def _layers_that_share_nothing(keys: ModelKeys) -> int:
    """``n_layer_kv_from_start``: the layers after these use an earlier layer's cache (gemma3n.cpp:7, gemma4.cpp:11)."""
    if keys.architecture == "gemma3n":
        return 20
    if keys.architecture == "gemma4":
        return max(0, keys.n_layers - keys.number("attention.shared_kv_layers"))
    return keys.n_layers


def _feed_forward(keys: ModelKeys) -> tuple[int, ...]:
    """Only in nemotron_h does a feed-forward network take a layer of its own; 0 everywhere else."""
    nothing = (0,) * keys.n_layers
    return keys.per_layer("feed_forward_length", nothing) if keys.architecture.startswith("nemotron_h") else nothing
