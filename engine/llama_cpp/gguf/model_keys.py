"""The keys of a GGUF header as llama.cpp reads them: scalars with defaults, and values that may differ per layer.

Source: llama-model.cpp ``llama_model_base::load_hparams`` and llama-arch.cpp (names of the keys). What llama.cpp refuses to
load (no ``block_count``, an array of the wrong length) is refused here. Rejected: a typed field for each of its 150
hyperparameters; only what decides memory is read, and by its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NoReturn

from engine.errors import BadModelFile
from engine.llama_cpp.gguf.gguf_header import GgufHeader, Value

MAX_LAYERS: Final = 512
"""llama-hparams.h ``LLAMA_MAX_LAYERS``."""
_MAX_NUMBER: Final = 1 << 31

_NOT_LANGUAGE_MODELS: Final = ("clip", "mmproj", "whisper", "controlvector", "adapter", "imatrix")


@dataclass(frozen=True, slots=True)
class ModelKeys:
    """Reads ``{architecture}.*`` keys. ``name`` is the file's, for the sentence of an error."""

    header: GgufHeader
    name: str

    @property
    def architecture(self) -> str:
        """``general.architecture``."""
        value = self.header.values.get("general.architecture")
        if not isinstance(value, str) or not value:
            self.refuse("does not say which architecture it has (general.architecture)")
        return value

    @property
    def n_blocks(self) -> int:
        """``block_count``. Raises ``BadModelFile`` for what is not a language model."""
        count = self.number("block_count")
        kind = self.text("general.type") or self.architecture
        if kind in _NOT_LANGUAGE_MODELS or self.architecture in _NOT_LANGUAGE_MODELS:
            self.refuse(f"is not a language model but a part for one ({kind})")
        if not 0 < count <= MAX_LAYERS:
            self.refuse(f"has {count} layers; a language model has 1 to {MAX_LAYERS}")
        return count

    @property
    def n_layers(self) -> int:
        """``n_layer_all``: the units that llama.cpp splits. Two architectures have more than blocks in the file."""
        if self.architecture == "nanbeige":
            loops = max(1, self.number("num_loops", 1))
            if self.n_blocks * loops > MAX_LAYERS:
                self.refuse(f"has {self.n_blocks} layers {loops} times over; {MAX_LAYERS} is the most")
            return self.n_blocks * loops
        return self.n_blocks + (self.architecture == "graniteswitch")

    @property
    def n_trunk(self) -> int:
        """``n_layer()``: layers that run in ordinary decoding, without those for next-token prediction."""
        if self.architecture == "graniteswitch":
            return self.n_blocks
        n_nextn = self.number("nextn_predict_layers")
        if n_nextn > self.n_blocks:
            self.refuse(f"has {n_nextn} next-token-prediction layers among only {self.n_blocks}")
        return self.n_layers - n_nextn

    def text(self, key: str) -> str:
        """A string by its full key, or an empty one."""
        value = self.header.values.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int = 0) -> int:
        """A whole number by its key without the architecture."""
        value = self._value(key)
        return default if value is None or isinstance(value, tuple) else self._checked(key, value)

    def numbers(self, key: str) -> tuple[int, ...] | None:
        """An array as it stands, or ``None`` when there is no array of this name."""
        value = self._value(key)
        return tuple(self._checked(key, entry) for entry in value) if isinstance(value, tuple) else None

    def per_layer(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """One number for every block: an array, or one number for all (``get_key_or_arr``)."""
        several = self.numbers(key)
        if several is None:
            return (self.number(key),) * self.n_blocks if self._value(key) is not None else default
        if len(several) != self.n_blocks:
            self.refuse(f"has {len(several)} entries for {key}, but {self.n_blocks} layers")
        return several

    def heads(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Attention heads and key-value heads of every layer."""
        n_head = self.per_layer("attention.head_count", (0,) * self.n_blocks)
        n_head_kv = self.per_layer("attention.head_count_kv", n_head)
        if self.architecture == "graniteswitch":
            return (*n_head, 1), (*n_head_kv, 1)
        loops = self.n_layers // self.n_blocks
        return n_head * loops, n_head_kv * loops

    def head_lengths(self) -> tuple[int, int]:
        """Length of a key and of a value of full-attention layers (``n_embd_head_k_full``, ``n_embd_head_v_full``)."""
        first = self.heads()[0][0]
        if first == 0 and self.architecture != "plamo2":
            return 0, 0
        length = self.number("embedding_length") // first if first else 0
        return self.number("attention.key_length", length), self.number("attention.value_length", length)

    def refuse(self, what: str) -> NoReturn:
        """Raise ``BadModelFile``."""
        raise BadModelFile(f"{self.name} {what}.", advice="Choose another model file.")

    def _value(self, key: str) -> Value | None:
        full = f"{self.architecture}.{key}"
        if full not in self.header.values and full in self.header.array_lengths:
            self.refuse(f"has {self.header.array_lengths[full]} entries for {key}, which is not one per layer")
        return self.header.values.get(full)

    def _checked(self, key: str, value: Value) -> int:
        if not isinstance(value, int) or not 0 <= value < _MAX_NUMBER:
            self.refuse(f"has {value!r} for {key}, which must be a whole number")
        return int(value)
