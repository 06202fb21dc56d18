"""A model without a file: equal layers that only have a number (``--layers 40``).

Layers have no size unless one is given: then memory cannot say no and speeds cannot be applied, and the plan says so.
Rejected: a made-up size per layer, which would refuse or predict from invented figures.
"""

from __future__ import annotations

from engine.vocabulary.model import LayerFacts, ModelFacts

ABSTRACT_ARCHITECTURE = "abstract"


def abstract_model(
    n_layers: int, *, layer_bytes: int = 0, head_bytes: int = 0, n_embd: int = 0, n_vocab: int = 0
) -> ModelFacts:
    """``n_layers`` equal layers of ``layer_bytes`` each, without a KV cache."""
    layer = LayerFacts(weights_bytes=layer_bytes, active_bytes=layer_bytes)
    return ModelFacts(
        path=None,
        name=f"{n_layers} equal layers",
        architecture=ABSTRACT_ARCHITECTURE,
        size_label="abstract",
        layers=(layer,) * n_layers,
        head_bytes=head_bytes,
        embedding_bytes=0,
        tied_embeddings=False,
        n_embd=n_embd,
        n_vocab=n_vocab,
        training_context_tokens=None,
        total_bytes=n_layers * layer_bytes + head_bytes,
    )


def has_sizes(model: ModelFacts) -> bool:
    """Whether its layers have a size, so that memory and speed can be reckoned with."""
    return any(layer.weights_bytes > 0 for layer in model.layers)
