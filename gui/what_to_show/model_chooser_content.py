"""Model, context and slots: the choices in the header.

Models are grouped by where they were found, those that were used last first; each stands in one group only. A model that was
chosen by hand is listed wherever it lies, or the chooser would show another than the one in use. Rejected: free numbers for
context and slots (few values make sense; others come from the command line).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.session.state import ClusterState
from engine.vocabulary.model import FoundModel, ModelPlace
from gui.texts.translation import mark, tr
from gui.what_to_show.formatting import bytes_text, count_text, file_name, tokens_text

_CONTEXTS = (2048, 4096, 8192, 16384, 32768, 65536, 131072)
_SLOTS = (1, 2, 4, 8)
_CACHE_TYPES = ("f16", "q8_0", "q4_0")
_CACHE_TYPE_WORDS = mark("Type of the KV cache, K and V alike: q8_0 takes 53% of the memory of f16 and q4_0 28%, less exactly")
_TITLES = {
    ModelPlace.CROSSPLY: mark("Crossply's own folder"),
    ModelPlace.FOLDER: mark("Your folders"),
    ModelPlace.LM_STUDIO: "LM Studio",
    ModelPlace.OLLAMA: "Ollama",
    ModelPlace.HUGGING_FACE: mark("Hugging Face cache"),
    ModelPlace.LLAMA_CPP: mark("llama.cpp cache"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model of the list."""

    path: str
    label: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelGroup:
    """Models with something in common."""

    title: str
    models: tuple[ModelEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChooserContent:
    """``contexts`` and ``context_labels`` are parallel, and so are the slots."""

    groups: tuple[ModelGroup, ...]
    chosen_path: str | None
    model_words: str
    contexts: tuple[int, ...]
    context_labels: tuple[str, ...]
    context: int
    slot_counts: tuple[int, ...]
    slot_labels: tuple[str, ...]
    slots: int
    cache_types: tuple[str, ...]
    cache_type: str
    cache_type_words: str
    cache_type_changeable: bool
    changeable: bool
    """False while a run is up: it would go on with what it was launched with."""


def model_chooser_of(state: ClusterState) -> ModelChooserContent:
    """What the header offers."""
    shape = state.choices.shape
    training = None if state.model is None else state.model.training_context_tokens
    contexts = _with(tuple(size for size in _CONTEXTS if training is None or size <= training), shape.context_tokens)
    counts = _with(_SLOTS, shape.slots)
    changeable = not state.run_wanted and not state.closing
    why_no_cache_type = _why_no_cache_type(state)
    return ModelChooserContent(
        groups=_groups_of(state),
        chosen_path=state.choices.model_path,
        model_words=_model_words(state),
        contexts=contexts,
        context_labels=tuple(tr("Context {tokens}", tokens=tokens_text(size)) for size in contexts),
        context=shape.context_tokens,
        slot_counts=counts,
        slot_labels=tuple(count_text(count, "slot") for count in counts),
        slots=shape.slots,
        cache_types=tuple(dict.fromkeys((*_CACHE_TYPES, shape.cache_type_k))),
        cache_type=shape.cache_type_k,
        cache_type_words=why_no_cache_type or tr(_CACHE_TYPE_WORDS),
        cache_type_changeable=changeable and not why_no_cache_type,
        changeable=changeable,
    )


def _why_no_cache_type(state: ClusterState) -> str:
    """Why there is nothing but f16 with this build; empty when there is. A quantised V needs flash attention
    (llama-context.cpp: "V cache quantization requires flash_attn"), which is off in builds before September 2025."""
    options = state.server_options
    if not options:
        return ""  # no build yet, and nothing is planned
    if "-ctk" not in options or "-ctv" not in options:
        return tr("The type of the KV cache: this llama-server has no option for it (-ctk, -ctv), a newer build has")
    if "-fa auto" not in options and state.choices.shape.flash_attention is not True:
        return tr(
            "The type of the KV cache: a smaller one needs flash attention, which only newer builds turn on by themselves"
        )
    return ""


def _groups_of(state: ClusterState) -> tuple[ModelGroup, ...]:
    found = {model.path: model for model in state.models_found}
    chosen = state.choices.model_path
    recent = list(state.recent_models)
    if chosen is not None and chosen not in found and chosen not in recent:
        recent.insert(0, chosen)
    groups = [_group(tr("Recent"), (_entry(found.get(path), path) for path in recent))]
    for place, title in _TITLES.items():
        models = (model for model in state.models_found if model.place is place and model.path not in recent)
        groups.append(_group(tr(title), (_entry(model, model.path) for model in models)))
    return tuple(group for group in groups if group.models)


def _group(title: str, models: Iterable[ModelEntry]) -> ModelGroup:
    return ModelGroup(title=title, models=tuple(models))


def _entry(model: FoundModel | None, path: str) -> ModelEntry:
    """One that was not found is only known by its path."""
    if model is None:
        return ModelEntry(path=path, label=file_name(path), words=path)
    missing = tr(" · {parts} missing", parts=count_text(model.n_missing_parts, "part")) if model.n_missing_parts else ""
    label = f"{model.name} · {bytes_text(model.size_bytes)}{missing}"
    return ModelEntry(path=path, label=label, words=f"{label}\n{tr(_TITLES[model.place])}: {path}")


def _with(values: tuple[int, ...], value: int) -> tuple[int, ...]:
    return tuple(sorted({*values, value}))


def _model_words(state: ClusterState) -> str:
    if state.model_problem is not None:
        return f"{state.model_problem.happened} {state.model_problem.advice}".strip()
    model = state.model
    if model is None:
        return tr("The GGUF file whose layers are shared out (Ctrl+O to browse)")
    facts = (model.name, model.architecture, count_text(model.n_layers, "layer"), bytes_text(model.total_bytes))
    return f"{' · '.join(facts)}\n{model.path}"
