"""What a cell of the layer map says when it is pointed at: where the layer is, what it takes there, what it costs.

Worked out for the one cell that is asked for: for every cell at every change of the state it would be thousands of layer
costs a second.
"""

from __future__ import annotations

from engine.llama_cpp.gguf.kv_cache import kv_bytes_of_layer
from engine.planning.costs.cost_model import decode_seconds, layer_seconds
from gui.texts.translation import tr
from gui.what_to_show.formatting import bytes_text, milliseconds_text, share_text, tokens_text
from gui.what_to_show.plan_edits.drawn_split import DrawnSplit


def cell_words(drawn: DrawnSplit, layer: int, where: str, *, elsewhere: bool = False) -> str:
    """``where``: the sentence about its place. ``elsewhere``: it is not where the plan put it, so nothing is predicted."""
    lines = [where, _memory_words(drawn, layer)]
    if not elsewhere:
        lines.append(_time_words(drawn, layer))
    return "\n".join(lines)


def _memory_words(drawn: DrawnSplit, layer: int) -> str:
    if layer == drawn.n_layers:
        return tr("Weights {size}; no KV cache", size=bytes_text(drawn.model.head_bytes))
    facts, shape = drawn.model.layers[layer], drawn.shape
    types = shape.cache_type_k if shape.cache_type_k == shape.cache_type_v else f"{shape.cache_type_k}/{shape.cache_type_v}"
    kv = bytes_text(kv_bytes_of_layer(facts.kv, shape))
    return tr(
        "Weights {weights}, KV cache {kv} ({context} context, {types})",
        weights=bytes_text(facts.weights_bytes),
        kv=kv,
        context=tokens_text(shape.context_tokens),
        types=types,
    )


def _time_words(drawn: DrawnSplit, layer: int) -> str:
    if not drawn.fits:
        return tr("No prediction: this split does not fit")
    worker = drawn.worker_of(layer)
    seconds = None if worker is None else layer_seconds(worker, layer, drawn.model, drawn.shape)
    token_seconds = decode_seconds(drawn.workers, drawn.model, drawn.shape)
    if seconds is None or not token_seconds or not drawn.model.total_bytes:
        return tr("Its share of a token's time is not known: a worker's speed was not measured")
    share = share_text(seconds / token_seconds)
    return tr(
        "{seconds} of the {token} that a token takes: {share}, predicted",
        seconds=milliseconds_text(seconds),
        token=milliseconds_text(token_seconds),
        share=share,
    )
