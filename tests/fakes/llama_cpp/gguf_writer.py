"""Small GGUF models with random weights that the real llama-server loads and runs, and header-only ones for facts.

The weights are noise, the shapes are exact: what lies on which device, how large the caches are and how long a layer takes are
those of a real model of that shape. The tokenizer is a real one of the SentencePiece kind: three control tokens, all
256 bytes, and made-up words up to the size of the vocabulary. Written with the ``gguf`` package, which only tests may use.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, TokenType
from gguf.quants import quantize

MIN_VOCAB = 320
_TYPES = {
    "f32": (GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
    "f16": (GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
    "q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
    "q4_0": (GGMLQuantizationType.Q4_0, LlamaFileType.MOSTLY_Q4_0),
}


class SyntheticModel:
    """Writes one model: keys first, then tensors, then ``write``."""

    def __init__(self, path: Path, architecture: str, *, weights: str = "f16", seed: int = 1, split_tensors: int = 0) -> None:
        self._path = Path(path)
        self.gguf = GGUFWriter(self._path, architecture, split_max_tensors=split_tensors)
        self._random = np.random.default_rng(seed)
        self._type, file_type = _TYPES[weights]
        self.gguf.add_file_type(file_type)
        self.gguf.add_quantization_version(2)

    def sizes(self, *, n_layers: int, n_embd: int, n_ff: int, n_vocab: int, context: int = 4096, name: str = "") -> None:
        """The keys that every architecture has."""
        self.gguf.add_name(name or f"Synthetic {self._path.stem}")
        self.gguf.add_block_count(n_layers)
        self.gguf.add_context_length(context)
        self.gguf.add_embedding_length(n_embd)
        self.gguf.add_feed_forward_length(n_ff)
        self.gguf.add_vocab_size(n_vocab)
        self.gguf.add_layer_norm_rms_eps(1e-5)

    def attention(self, *, n_head: int, n_head_kv: int | list[int], head_length: int, rope: int | None = None) -> None:
        """Heads, and what rotary embedding needs."""
        self.gguf.add_head_count(n_head)
        self.gguf.add_head_count_kv(n_head_kv)
        self.gguf.add_key_length(head_length)
        self.gguf.add_value_length(head_length)
        self.gguf.add_rope_dimension_count(rope or head_length)

    def tokenizer(self, n_vocab: int) -> None:
        """A SentencePiece vocabulary that can read anything, byte by byte, and writes only ASCII: random weights would
        otherwise write bytes that are no UTF-8, on which llama-server fails at debug level."""
        assert n_vocab >= MIN_VOCAB
        tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
        types = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 128, *[TokenType.UNUSED] * 128]
        n_words = n_vocab - len(tokens)
        tokens += [f"▁w{number}" for number in range(n_words)]
        types += [TokenType.NORMAL] * n_words
        self.gguf.add_tokenizer_model("llama")
        self.gguf.add_tokenizer_pre("default")
        self.gguf.add_token_list(tokens)
        self.gguf.add_token_scores([0.0] * 259 + [-float(number) for number in range(n_words)])
        self.gguf.add_token_types(types)
        self.gguf.add_bos_token_id(1)
        self.gguf.add_eos_token_id(2)
        self.gguf.add_unk_token_id(0)

    def matrix(self, name: str, *shape: int) -> None:
        """Weights in the model's type. ``shape`` is ggml's order: elements of a row first."""
        values = self._random.standard_normal(shape[::-1], dtype=np.float32) * 0.05
        kind = self._type if shape[0] % 32 == 0 else GGMLQuantizationType.F16
        if kind in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
            self.gguf.add_tensor(name, values.astype(np.float16 if kind == GGMLQuantizationType.F16 else np.float32))
        else:
            self.gguf.add_tensor(name, quantize(values, kind), raw_dtype=kind)

    def vector(self, name: str, *shape: int, value: float = 1.0) -> None:
        """f32 values near ``value``: norms, biases and small tables."""
        self.gguf.add_tensor(name, np.full(shape[::-1], value, dtype=np.float32))

    def ends(self, n_embd: int, n_vocab: int, *, tied: bool = False, norm: str = "output_norm") -> None:
        """Input embedding and head."""
        self.matrix("token_embd.weight", n_embd, n_vocab)
        self.vector(f"{norm}.weight", n_embd)
        if not tied:
            self.matrix("output.weight", n_embd, n_vocab)

    def attention_tensors(self, layer: int, *, n_embd: int, n_head: int, n_head_kv: int, head_length: int) -> None:
        """Norm, Q, K, V and output of one layer."""
        self.vector(f"blk.{layer}.attn_norm.weight", n_embd)
        self.matrix(f"blk.{layer}.attn_q.weight", n_embd, n_head * head_length)
        self.matrix(f"blk.{layer}.attn_k.weight", n_embd, n_head_kv * head_length)
        self.matrix(f"blk.{layer}.attn_v.weight", n_embd, n_head_kv * head_length)
        self.matrix(f"blk.{layer}.attn_output.weight", n_head * head_length, n_embd)

    def dense_tensors(self, layer: int, *, n_embd: int, n_ff: int) -> None:
        """Feed-forward network of one layer."""
        self.vector(f"blk.{layer}.ffn_norm.weight", n_embd)
        self.matrix(f"blk.{layer}.ffn_gate.weight", n_embd, n_ff)
        self.matrix(f"blk.{layer}.ffn_up.weight", n_embd, n_ff)
        self.matrix(f"blk.{layer}.ffn_down.weight", n_ff, n_embd)

    def expert_tensors(self, layer: int, *, n_embd: int, n_ff: int, n_experts: int) -> None:
        """Router and experts of one layer."""
        self.vector(f"blk.{layer}.ffn_norm.weight", n_embd)
        self.gguf.add_tensor(
            f"blk.{layer}.ffn_gate_inp.weight", self._random.standard_normal((n_experts, n_embd), dtype=np.float32)
        )
        self.matrix(f"blk.{layer}.ffn_gate_exps.weight", n_embd, n_ff, n_experts)
        self.matrix(f"blk.{layer}.ffn_up_exps.weight", n_embd, n_ff, n_experts)
        self.matrix(f"blk.{layer}.ffn_down_exps.weight", n_ff, n_embd, n_experts)

    def write(self) -> Path:
        """Write the file. Returns its path (of a split model, the name its parts are made from)."""
        self.gguf.write_header_to_file()
        self.gguf.write_kv_data_to_file()
        self.gguf.write_tensors_to_file()
        self.gguf.close()
        return self._path


def write_llama(
    path: Path,
    *,
    n_layers: int = 40,
    n_embd: int = 64,
    n_ff: int = 128,
    n_head: int = 4,
    n_head_kv: int = 2,
    head_length: int = 32,
    n_vocab: int = MIN_VOCAB,
    context: int = 4096,
    weights: str = "f16",
    tied: bool = False,
    split_tensors: int = 0,
    seed: int = 1,
) -> Path:
    """A llama of equal layers: 40 tiny ones by default (about 5 MB)."""
    model = SyntheticModel(path, "llama", weights=weights, seed=seed, split_tensors=split_tensors)
    model.sizes(n_layers=n_layers, n_embd=n_embd, n_ff=n_ff, n_vocab=n_vocab, context=context)
    model.attention(n_head=n_head, n_head_kv=n_head_kv, head_length=head_length)
    model.tokenizer(n_vocab)
    model.ends(n_embd, n_vocab, tied=tied)
    for layer in range(n_layers):
        model.attention_tensors(layer, n_embd=n_embd, n_head=n_head, n_head_kv=n_head_kv, head_length=head_length)
        model.dense_tensors(layer, n_embd=n_embd, n_ff=n_ff)
    return model.write()


def write_heavy_head(path: Path, *, n_layers: int = 18, n_vocab: int = 32_000, tied: bool = False) -> Path:
    """18 layers of about 0.3 MB and a head of 8 MB: heavier than all of them, as in small models with large vocabularies."""
    return write_llama(path, n_layers=n_layers, n_embd=128, n_ff=256, n_vocab=n_vocab, tied=tied)


def write_moe(
    path: Path,
    *,
    n_layers: int = 12,
    n_embd: int = 64,
    n_ff: int = 64,
    n_experts: int = 8,
    n_used: int = 2,
    n_vocab: int = MIN_VOCAB,
) -> Path:
    """A mixture of experts in the way of Qwen 3 (about 5 MB)."""
    model = SyntheticModel(path, "qwen3moe")
    model.sizes(n_layers=n_layers, n_embd=n_embd, n_ff=n_ff, n_vocab=n_vocab)
    model.attention(n_head=4, n_head_kv=4, head_length=32)
    model.gguf.add_expert_count(n_experts)
    model.gguf.add_expert_used_count(n_used)
    model.gguf.add_expert_feed_forward_length(n_ff)
    model.tokenizer(n_vocab)
    model.ends(n_embd, n_vocab)
    for layer in range(n_layers):
        model.attention_tensors(layer, n_embd=n_embd, n_head=4, n_head_kv=4, head_length=32)
        model.vector(f"blk.{layer}.attn_q_norm.weight", 32)
        model.vector(f"blk.{layer}.attn_k_norm.weight", 32)
        model.expert_tensors(layer, n_embd=n_embd, n_ff=n_ff, n_experts=n_experts)
    return model.write()


def write_sliding(path: Path, *, n_layers: int = 8, window: int = 512, n_vocab: int = MIN_VOCAB, n_embd: int = 64) -> Path:
    """Gemma 3: five layers of six see only a window; the head is the input embedding."""
    heads = {"n_head": 4, "n_head_kv": 1, "head_length": n_embd // 2}
    model = SyntheticModel(path, "gemma3")
    model.sizes(n_layers=n_layers, n_embd=n_embd, n_ff=2 * n_embd, n_vocab=n_vocab, context=32_768)
    model.attention(**heads)
    model.gguf.add_sliding_window(window)
    model.tokenizer(n_vocab)
    model.ends(n_embd, n_vocab, tied=True)
    for layer in range(n_layers):
        model.attention_tensors(layer, n_embd=n_embd, **heads)
        model.dense_tensors(layer, n_embd=n_embd, n_ff=2 * n_embd)
        for norm in ("post_attention_norm", "post_ffw_norm"):
            model.vector(f"blk.{layer}.{norm}.weight", n_embd)
        for norm in ("attn_q_norm", "attn_k_norm"):
            model.vector(f"blk.{layer}.{norm}.weight", n_embd // 2)
    return model.write()


def write_latent(
    path: Path, *, n_layers: int = 6, kv_rank: int = 64, rope: int = 32, n_vocab: int = MIN_VOCAB, n_embd: int = 64
) -> Path:
    """DeepSeek 2: latent attention keeps only a compressed K; the first layer is dense, the others have experts."""
    n_head, nope, v_length, q_rank = 4, 32, 32, 32
    model = SyntheticModel(path, "deepseek2")
    model.sizes(n_layers=n_layers, n_embd=n_embd, n_ff=2 * n_embd, n_vocab=n_vocab)
    model.attention(n_head=n_head, n_head_kv=1, head_length=kv_rank + rope, rope=rope)
    _latent_keys(model, kv_rank=kv_rank, rope=rope, nope=nope, v_length=v_length, q_rank=q_rank)
    model.gguf.add_expert_feed_forward_length(n_embd // 2)
    model.tokenizer(n_vocab)
    model.ends(n_embd, n_vocab)
    for layer in range(n_layers):
        prefix = f"blk.{layer}."
        model.vector(prefix + "attn_norm.weight", n_embd)
        model.vector(prefix + "attn_q_a_norm.weight", q_rank)
        model.vector(prefix + "attn_kv_a_norm.weight", kv_rank)
        model.matrix(prefix + "attn_q_a.weight", n_embd, q_rank)
        model.matrix(prefix + "attn_q_b.weight", q_rank, n_head * (nope + rope))
        model.matrix(prefix + "attn_kv_a_mqa.weight", n_embd, kv_rank + rope)
        model.matrix(prefix + "attn_k_b.weight", nope, kv_rank, n_head)
        model.matrix(prefix + "attn_v_b.weight", kv_rank, v_length, n_head)
        model.matrix(prefix + "attn_output.weight", n_head * v_length, n_embd)
        _latent_feed_forward(model, layer, n_embd)
    return model.write()


def _latent_keys(model: SyntheticModel, *, kv_rank: int, rope: int, nope: int, v_length: int, q_rank: int) -> None:
    model.gguf.add_kv_lora_rank(kv_rank)
    model.gguf.add_q_lora_rank(q_rank)
    model.gguf.add_key_length_mla(nope + rope)
    model.gguf.add_value_length_mla(v_length)
    model.gguf.add_leading_dense_block_count(1)
    model.gguf.add_expert_count(4)
    model.gguf.add_expert_used_count(2)
    model.gguf.add_expert_shared_count(1)


def _latent_feed_forward(model: SyntheticModel, layer: int, n_embd: int) -> None:
    if layer == 0:
        model.dense_tensors(layer, n_embd=n_embd, n_ff=2 * n_embd)
        return
    width = n_embd // 2
    model.expert_tensors(layer, n_embd=n_embd, n_ff=width, n_experts=4)
    for name, shape in (("gate", (n_embd, width)), ("up", (n_embd, width)), ("down", (width, n_embd))):
        model.matrix(f"blk.{layer}.ffn_{name}_shexp.weight", *shape)


def write_recurrent(path: Path, *, n_layers: int = 6, n_vocab: int = MIN_VOCAB, n_embd: int = 64) -> Path:
    """Mamba 2: no attention at all; a state per sequence instead of a cache."""
    d_inner, d_state, n_group, n_heads, d_conv = 2 * n_embd, 16, 1, 4, 4
    model = SyntheticModel(path, "mamba2")
    model.sizes(n_layers=n_layers, n_embd=n_embd, n_ff=0, n_vocab=n_vocab)
    model.gguf.add_head_count(0)
    _state_keys(model, d_conv=d_conv, d_inner=d_inner, d_state=d_state, n_heads=n_heads, n_group=n_group)
    model.tokenizer(n_vocab)
    model.ends(n_embd, n_vocab)
    conv = d_inner + 2 * n_group * d_state
    for layer in range(n_layers):
        prefix = f"blk.{layer}."
        model.vector(prefix + "attn_norm.weight", n_embd)
        model.matrix(prefix + "ssm_in.weight", n_embd, d_inner + conv + n_heads)
        model.vector(prefix + "ssm_conv1d.weight", d_conv, conv, value=0.1)
        model.vector(prefix + "ssm_conv1d.bias", conv, value=0.0)
        model.vector(prefix + "ssm_dt.bias", n_heads, value=0.1)
        model.vector(prefix + "ssm_a", 1, n_heads, value=-1.0)
        model.vector(prefix + "ssm_d", 1, n_heads)
        model.vector(prefix + "ssm_norm.weight", d_inner // n_group, n_group)
        model.matrix(prefix + "ssm_out.weight", d_inner, n_embd)
    return model.write()


def _state_keys(model: SyntheticModel, *, d_conv: int, d_inner: int, d_state: int, n_heads: int, n_group: int) -> None:
    model.gguf.add_ssm_conv_kernel(d_conv)
    model.gguf.add_ssm_inner_size(d_inner)
    model.gguf.add_ssm_state_size(d_state)
    model.gguf.add_ssm_time_step_rank(n_heads)
    model.gguf.add_ssm_group_count(n_group)


def write_hybrid(path: Path, *, kv_heads: tuple[int, ...] = (0, 0, 1, 0, 2), n_vocab: int = MIN_VOCAB) -> Path:
    """LFM 2: layers without key-value heads are short convolutions, the others attention; tied embeddings."""
    n_embd, n_head, kernel = 64, 2, 3
    model = SyntheticModel(path, "lfm2")
    model.sizes(n_layers=len(kv_heads), n_embd=n_embd, n_ff=128, n_vocab=n_vocab)
    model.attention(n_head=n_head, n_head_kv=list(kv_heads), head_length=n_embd // n_head)
    model.gguf.add_shortconv_l_cache(kernel)
    model.tokenizer(n_vocab)
    model.ends(n_embd, n_vocab, tied=True, norm="token_embd_norm")
    for layer, n_head_kv in enumerate(kv_heads):
        model.dense_tensors(layer, n_embd=n_embd, n_ff=128)
        if n_head_kv:
            model.attention_tensors(layer, n_embd=n_embd, n_head=n_head, n_head_kv=n_head_kv, head_length=n_embd // n_head)
            model.vector(f"blk.{layer}.attn_q_norm.weight", n_embd // n_head)
            model.vector(f"blk.{layer}.attn_k_norm.weight", n_embd // n_head)
        else:
            model.vector(f"blk.{layer}.attn_norm.weight", n_embd)
            model.vector(f"blk.{layer}.shortconv.conv.weight", kernel, n_embd, value=0.1)
            model.matrix(f"blk.{layer}.shortconv.in_proj.weight", n_embd, 3 * n_embd)
            model.matrix(f"blk.{layer}.shortconv.out_proj.weight", n_embd, n_embd)
    return model.write()
