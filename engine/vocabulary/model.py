"""A model: what a GGUF header says about memory and work, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

Reckoned = TypeVar("Reckoned")


@dataclass(frozen=True, slots=True, kw_only=True)
class KvFacts:
    """What one layer keeps per token, in elements (the cache type gives the bytes), or per sequence.

    All zero for a layer without a cache (a next-token-prediction layer that is not run, an empty layer).
    """

    k_elements_per_token: int = 0
    v_elements_per_token: int = 0
    """0 for MLA, which keeps only the compressed K."""
    v_elements_without_flash_attention: int | None = None
    """V is then as wide as in the model's widest layer; ``None`` = the same as with it."""
    sliding_window_tokens: int | None = None
    """Cells are bounded by this window; ``None`` = the whole context."""
    k_head_elements: int = 0
    """Of one head's key: a quantised cache needs a multiple of its blocks. 0 = not known."""
    v_head_elements: int = 0
    recurrent_bytes_per_sequence: int = 0
    """State of a recurrent layer (Mamba, RWKV): f32, one per sequence, whatever the context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFacts:
    """One transformer layer."""

    weights_bytes: int
    active_bytes: int
    """Weights that one token reads: smaller than ``weights_bytes`` only for mixture-of-experts layers."""
    kv: KvFacts = KvFacts()
    active_bytes_by_type: tuple[tuple[str, int], ...] = ()
    """``active_bytes`` by ggml type (``q4_K``), largest first: types are read at different speeds. Empty = not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """A model, from its header alone (or abstract: ``path`` is ``None``)."""

    path: str | None
    """The first file of a split model."""
    files: tuple[str, ...] = ()
    name: str
    architecture: str
    size_label: str
    """For people: parameter count or file type, for example ``270M Q4_K_M``."""
    layers: tuple[LayerFacts, ...]
    """``block_count`` of them: next-token-prediction layers included, as llama.cpp's own split counts them. Readers make
    layers that are alike one object: what follows from a layer is then reckoned once (``of_each_layer``)."""
    head_bytes: int
    """Output norm + lm head as they stand on the last device. With tied embeddings this is the *copy* of the input
    embedding that llama.cpp makes there (``TENSOR_DUPLICATED``)."""
    head_type: str = ""
    """ggml type of the lm head (``q6_K``); empty = not known."""
    embedding_bytes: int
    """Input embedding: always on the coordinator's CPU."""
    other_bytes: int = 0
    """Tensors that belong to no layer, neither head nor embedding (rope factors, vision parts): on the coordinator."""
    tied_embeddings: bool
    n_embd: int
    n_vocab: int
    n_head: int = 0
    n_head_kv: int = 0
    n_ff: int = 0
    recurrent_width: int = 0
    """What a state-space layer makes of every token: values of its in-projection (``ssm_in``); 0 = there is none."""
    n_experts: int = 0
    n_experts_used: int = 0
    training_context_tokens: int | None
    has_chat_template: bool | None = None
    """Whether the file has a chat template: without one llama-server puts another one around every message, and a base
    model answers it with nonsense. ``None`` = there is no file."""
    total_bytes: int
    """Sum of all tensors as stored."""
    n_parameters: int = 0

    @property
    def n_layers(self) -> int:
        """Layers without the output layer; llama.cpp's split has ``n_layers + 1`` units."""
        return len(self.layers)


def kinds_of(layers: Sequence[LayerFacts]) -> Collection[LayerFacts]:
    """Every layer object once. By identity: hashing eighty layers takes longer than what is mostly asked of them."""
    return dict(zip(map(id, layers), layers, strict=True)).values()


def of_each_layer(layers: Sequence[LayerFacts], reckon: Callable[[LayerFacts], Reckoned]) -> list[Reckoned]:
    """What ``reckon`` says of every layer, asked once per layer object."""
    known = {id(layer): reckon(layer) for layer in kinds_of(layers)}
    return [known[place] for place in map(id, layers)]


class ModelPlace(StrEnum):
    """Whose store of models a file was found in."""

    CROSSPLY = "Crossply"
    LM_STUDIO = "LM Studio"
    OLLAMA = "Ollama"
    HUGGING_FACE = "Hugging Face cache"
    LLAMA_CPP = "llama.cpp cache"
    FOLDER = "your folders"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A model that is on this machine: what a list says of it before its header is read."""

    path: str
    """What to read and to give llama-server: of a split model its first part, of Ollama's the blob."""
    name: str
    """For people: the file's name, or what its store calls it (``llama3.2:3b``)."""
    place: ModelPlace
    size_bytes: int
    """Of all parts that are there."""
    n_missing_parts: int = 0
    """Parts of a split model that are not there: it is listed, and refused with a sentence when it is chosen."""
