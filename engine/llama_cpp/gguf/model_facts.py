"""The facts of a model: GGUF headers in (one, or one for each part of a split model), ``ModelFacts`` out.

Where a tensor ends up follows llama-arch.cpp ``LLM_TENSOR_INFOS`` (input, repeating, output) and llama-model-loader.cpp
``create_tensor``: ``blk.N.*`` to the device of layer N, the head to the device of the output layer, the input embedding to
the coordinator's CPU, and the norm of the embedding to layer 0. A model without ``output.weight`` uses its input embedding as
head, and llama.cpp makes a copy of it there (``TENSOR_DUPLICATED``). Weights of next-token-prediction layers are counted
although current builds skip them when they are not used: older ones load them.

Rejected: total bytes divided by layers. Layers differ (dense layers in front, Q4_K_M mixes types), and in small models with
large vocabularies the head outweighs all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from engine.errors import BadModelFile
from engine.llama_cpp.gguf.gguf_header import GgufHeader, TensorInfo
from engine.llama_cpp.gguf.kv_facts import kv_facts_of_layers, recurrent_width
from engine.llama_cpp.gguf.layer_kinds import WITHOUT_CACHE
from engine.llama_cpp.gguf.model_keys import ModelKeys
from engine.llama_cpp.gguf.tensor_types import TENSOR_TYPES, file_type_name
from engine.vocabulary.model import LayerFacts, ModelFacts

_CHAT_TEMPLATE: Final = "tokenizer.chat_template"
_EMBEDDING: Final = ("token_embd", "position_embd", "token_types", "per_layer_token_embd")
_HEAD: Final = ("output", "output_norm", "cls", "dense_2", "dense_3", "altup_proj", "altup_unembd_proj")
_FIRST_LAYER: Final = ("token_embd_norm", "per_layer_model_proj", "per_layer_proj_norm")
_OF_LAYER: Final = re.compile(r"blk\.(\d{1,6})\.")
_OF_EXPERT: Final = re.compile(r"_(?:ch)?exps\.|\.ffn_(?:gate|up|down)\.\d+\.")


def read_model_facts(parts: Sequence[tuple[str, GgufHeader]]) -> ModelFacts:
    """Facts of a model from its parts' paths and headers, the first part first. Raises ``BadModelFile``."""
    path, first = parts[0]
    keys = ModelKeys(first, PurePath(path).name)
    n_layers = keys.n_layers
    sums = _sum_up(keys, [tensor for _, header in parts for tensor in header.tensors])
    tied = _is_tied(keys, sums)
    n_head, n_head_kv = keys.heads()
    return ModelFacts(
        path=path,
        files=tuple(part for part, _ in parts),
        name=keys.text("general.name") or _stem(path),
        architecture=keys.architecture,
        size_label=_size_label(keys, sums.n_parameters),
        layers=_layers(keys, sums),
        head_bytes=sums.head_bytes + (sums.token_embedding.n_bytes if tied and sums.token_embedding else 0),
        head_type=_head_type(sums, tied=tied),
        embedding_bytes=sums.embedding_bytes,
        other_bytes=sums.other_bytes,
        tied_embeddings=tied,
        n_embd=keys.number("embedding_length"),
        n_vocab=_n_vocab(keys, sums),
        n_head=max(n_head[:n_layers]),
        n_head_kv=max(n_head_kv[:n_layers]),
        n_ff=max(keys.per_layer("feed_forward_length", (0,))),
        recurrent_width=recurrent_width(keys),
        n_experts=keys.number("expert_count"),
        n_experts_used=max(_experts_used(keys)),
        training_context_tokens=keys.number("context_length") or None,
        has_chat_template=_CHAT_TEMPLATE in first.values,
        total_bytes=sums.total_bytes,
        n_parameters=sums.n_parameters,
    )


def _stem(path: str) -> str:
    """The file's name as a text that can be written down: Linux lets it be any bytes."""
    return PurePath(path).stem.encode("utf-8", "replace").decode()


@dataclass(slots=True)
class _Sums:
    """Bytes by place, while the tensors are gone through."""

    dense_bytes: list[Counter[str]]
    """By layer and type, without experts."""
    expert_bytes: list[Counter[str]]
    head_bytes: int = 0
    embedding_bytes: int = 0
    other_bytes: int = 0
    total_bytes: int = 0
    n_parameters: int = 0
    names: set[str] = field(default_factory=set)
    token_embedding: TensorInfo | None = None
    output: TensorInfo | None = None


def _sum_up(keys: ModelKeys, tensors: Iterable[TensorInfo]) -> _Sums:
    sums = _Sums(dense_bytes=[Counter() for _ in range(keys.n_layers)], expert_bytes=[Counter() for _ in range(keys.n_layers)])
    for tensor in tensors:
        if tensor.name in sums.names:
            raise BadModelFile(f"{keys.name} and its other parts have the tensor {tensor.name!r} twice.")
        sums.names.add(tensor.name)
        sums.total_bytes += tensor.n_bytes
        sums.n_parameters += tensor.n_elements
        if tensor.name == "token_embd.weight":
            sums.token_embedding = tensor
        if tensor.name == "output.weight":
            sums.output = tensor
        _place(keys, sums, tensor)
    return sums


def _place(keys: ModelKeys, sums: _Sums, tensor: TensorInfo) -> None:
    stem = tensor.name.partition(".")[0]
    layer = _layer_of(keys, tensor.name, stem)
    if layer is not None:
        of_layer = sums.expert_bytes if _OF_EXPERT.search(tensor.name) else sums.dense_bytes
        of_layer[layer][_type_name(tensor)] += tensor.n_bytes
    elif stem in _HEAD or stem.startswith("hc_head") or _is_lfm2_norm(keys, stem):
        sums.head_bytes += tensor.n_bytes
    elif stem in _EMBEDDING:
        sums.embedding_bytes += tensor.n_bytes
    else:
        sums.other_bytes += tensor.n_bytes


def _layer_of(keys: ModelKeys, name: str, stem: str) -> int | None:
    if stem in _FIRST_LAYER and not _is_lfm2_norm(keys, stem):
        return 0
    found = _OF_LAYER.match(name)
    if found is None:
        return None
    layer = int(found[1])
    if layer >= keys.n_layers:
        keys.refuse(f"has the tensor {name!r}, but only {keys.n_layers} layers")
    return layer


def _is_lfm2_norm(keys: ModelKeys, stem: str) -> bool:
    """LFM2 stores its output norm under the name of an embedding norm (``LLM_TENSOR_OUTPUT_NORM_LFM2``)."""
    return stem == "token_embd_norm" and keys.architecture in ("lfm2", "lfm2moe")


def _layers(keys: ModelKeys, sums: _Sums) -> tuple[LayerFacts, ...]:
    used = _experts_used(keys)
    n_experts = keys.number("expert_count")
    alike: dict[LayerFacts, LayerFacts] = {}  # see ``ModelFacts.layers``
    layers = []
    for layer, kv in enumerate(kv_facts_of_layers(keys)):
        dense, experts = sums.dense_bytes[layer], sums.expert_bytes[layer]
        active = Counter(dense)
        for kind, size in experts.items():
            active[kind] += size * min(used[layer], n_experts) // n_experts if n_experts else size
        runs = _times_run(keys, layer)
        by_type = tuple((kind, size * runs) for kind, size in active.most_common() if size * runs)
        found = LayerFacts(
            weights_bytes=dense.total() + experts.total(),
            active_bytes=sum(size for _, size in by_type),
            active_bytes_by_type=by_type,
            kv=kv,
        )
        layers.append(alike.setdefault(found, found))
    return tuple(layers)


def _type_name(tensor: TensorInfo) -> str:
    return TENSOR_TYPES[tensor.type_number].name


def _head_type(sums: _Sums, *, tied: bool) -> str:
    head = sums.token_embedding if tied else sums.output
    return _type_name(head) if head is not None else ""


def _times_run(keys: ModelKeys, layer: int) -> int:
    """0 for next-token-prediction layers; Nanbeige runs its stored layers several times over (nanbeige.cpp:9)."""
    if keys.architecture == "nanbeige":
        return keys.n_layers // keys.n_blocks if layer < keys.n_blocks else 0
    return int(layer < keys.n_trunk or keys.architecture == "graniteswitch")


def _experts_used(keys: ModelKeys) -> tuple[int, ...]:
    used = keys.per_layer("expert_used_count", (0,) * keys.n_blocks)
    return used * (keys.n_layers // keys.n_blocks) + (0,) * (keys.n_layers % keys.n_blocks)


def _is_tied(keys: ModelKeys, sums: _Sums) -> bool:
    if "output.weight" in sums.names or keys.architecture in WITHOUT_CACHE - {"dream", "llada", "llada-moe", "rnd1"}:
        return False
    return sums.token_embedding is not None


def _n_vocab(keys: ModelKeys, sums: _Sums) -> int:
    """llama-vocab.cpp counts the tokens; a model without a tokenizer says ``vocab_size``, or its embedding has the rows."""
    tokens = keys.header.array_lengths.get("tokenizer.ggml.tokens", 0)
    rows = sums.token_embedding.dimensions[1:2] if sums.token_embedding else ()
    return tokens or keys.number("vocab_size") or (rows[0] if rows else 0)


def _size_label(keys: ModelKeys, n_parameters: int) -> str:
    file_type = keys.header.values.get("general.file_type")
    quantisation = file_type_name(file_type) if isinstance(file_type, int) else ""
    return f"{keys.text('general.size_label') or _short(n_parameters)} {quantisation}".strip()


def _short(count: int) -> str:
    """A number of parameters as people say it: 270M, 1.7B."""
    for size, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + letter
    return str(count)
