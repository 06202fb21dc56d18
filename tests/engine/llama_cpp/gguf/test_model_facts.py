"""Facts of models from their headers: what lies where, what runs, what every layer keeps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gguf as reference
import pytest

from engine.errors import BadModelFile
from engine.llama_cpp.gguf.gguf_header import read_gguf_header
from engine.llama_cpp.gguf.model_facts import read_model_facts
from engine.vocabulary.model import ModelFacts
from tests.fakes.llama_cpp import gguf_bytes as make
from tests.fakes.llama_cpp.gguf_writer import (
    write_heavy_head,
    write_hybrid,
    write_latent,
    write_llama,
    write_moe,
    write_recurrent,
    write_sliding,
)


def facts_of(raw: bytes) -> ModelFacts:
    return read_model_facts(
        [("/models/model.gguf", read_gguf_header(io.BytesIO(raw), size_bytes=len(raw), name="model.gguf"))]
    )


def facts(path: Path) -> ModelFacts:
    return facts_of(path.read_bytes())


def with_keys(
    architecture: str, n_layers: int, *keys: bytes, names: Sequence[str] = (), head_count: bool = True, **numbers: int
) -> ModelFacts:
    """A header without weights: 4 heads, 2 of them for keys and values, of length 16."""
    common = [
        make.string("general.architecture", architecture),
        make.number(f"{architecture}.block_count", n_layers),
        make.number(f"{architecture}.embedding_length", 64),
    ]
    if head_count:
        common.append(make.number(f"{architecture}.attention.head_count", 4))
    if not any(b"head_count_kv" in key for key in keys):
        common.append(make.number(f"{architecture}.attention.head_count_kv", 2))
    more = [make.number(f"{architecture}.{name.replace('__', '.')}", value) for name, value in numbers.items()]
    tensors = [make.tensor(name, [4], offset=32 * position) for position, name in enumerate(names)]
    return facts_of(make.gguf([*common, *keys, *more], tensors, data=32 * len(names)))


def windows(model: ModelFacts) -> str:
    """``.`` for a layer with the whole context, ``s`` for one with a window, ``-`` for one without a cache."""
    return "".join(
        "-" if not layer.kv.k_elements_per_token else "s" if layer.kv.sliding_window_tokens else "." for layer in model.layers
    )


def test_a_file_name_that_is_no_text_becomes_one_where_it_is_the_models_name(tmp_path: Path) -> None:
    raw = write_llama(tmp_path / "m.gguf").read_bytes()
    header = read_gguf_header(io.BytesIO(raw), size_bytes=len(raw), name="m.gguf")
    values = {key: value for key, value in header.values.items() if key != "general.name"}
    model = read_model_facts([("/models/m\udcff.gguf", replace(header, values=values))])
    assert (model.name, model.path) == ("m?", "/models/m\udcff.gguf")


def test_a_llama(tmp_path: Path) -> None:
    model = facts(write_llama(tmp_path / "m.gguf"))
    per_layer = 2 * (64 * 128 + 2 * 64 * 64 + 128 * 64 + 3 * 64 * 128) + 2 * 64 * 4
    assert [layer.weights_bytes for layer in model.layers] == [per_layer] * 40
    assert len(set(map(id, model.layers))) == 1, "layers that are alike are one object"
    assert all(layer.active_bytes == layer.weights_bytes for layer in model.layers)
    assert (model.embedding_bytes, model.head_bytes, model.other_bytes) == (320 * 64 * 2, 320 * 64 * 2 + 64 * 4, 0)
    assert model.total_bytes == 40 * per_layer + model.embedding_bytes + model.head_bytes
    assert not model.tied_embeddings
    assert (model.architecture, model.n_embd, model.n_vocab, model.n_ff) == ("llama", 64, 320, 128)
    assert (model.n_head, model.n_head_kv, model.n_experts, model.training_context_tokens) == (4, 2, 0, 4096)
    assert model.path == "/models/model.gguf"
    assert model.files == ("/models/model.gguf",)
    assert model.name == "Synthetic m"
    assert model.size_label == "2M F16"
    assert {(layer.kv.k_elements_per_token, layer.kv.v_elements_per_token) for layer in model.layers} == {(64, 64)}
    assert {(layer.kv.k_head_elements, layer.kv.v_head_elements) for layer in model.layers} == {(32, 32)}


@pytest.mark.parametrize("length", [20, 5000])
def test_whether_it_has_a_chat_template_however_long(length: int) -> None:
    assert with_keys("llama", 1).has_chat_template is False
    assert with_keys("llama", 1, make.string("tokenizer.chat_template", "x" * length)).has_chat_template is True


def test_what_is_read_by_type(tmp_path: Path) -> None:
    model = facts(write_llama(tmp_path / "m.gguf", n_layers=2, weights="q8_0"))
    reader = reference.GGUFReader(tmp_path / "m.gguf")
    expected: dict[str, int] = {}
    for tensor in reader.tensors:
        if tensor.name.startswith("blk.0."):
            kind = tensor.tensor_type.name.lower()
            expected[kind] = expected.get(kind, 0) + int(tensor.n_bytes)
    assert list(expected) != ["f32"]
    assert dict(model.layers[0].active_bytes_by_type) == expected
    sizes = [size for _, size in model.layers[0].active_bytes_by_type]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == model.layers[0].active_bytes
    assert model.head_type == next(t.tensor_type.name.lower() for t in reader.tensors if t.name == "output.weight")


def test_a_tied_head_has_the_type_of_the_embedding_and_experts_count_in_part(tmp_path: Path) -> None:
    tied = facts(write_heavy_head(tmp_path / "tied.gguf", tied=True))
    assert tied.head_type == facts(write_heavy_head(tmp_path / "untied.gguf")).head_type != ""
    moe = facts(write_moe(tmp_path / "m.gguf", n_experts=8, n_used=2))
    assert all(sum(size for _, size in layer.active_bytes_by_type) == layer.active_bytes for layer in moe.layers)
    assert dict(moe.layers[0].active_bytes_by_type)["f16"] < moe.layers[0].weights_bytes


@pytest.mark.parametrize("weights", ["f32", "q8_0", "q4_0"])
def test_bytes_of_quantised_weights_are_the_references(tmp_path: Path, weights: str) -> None:
    path = write_llama(tmp_path / "m.gguf", n_layers=2, weights=weights)
    expected = {tensor.name: int(tensor.n_bytes) for tensor in reference.GGUFReader(path).tensors}
    model = facts(path)
    for number, layer in enumerate(model.layers):
        assert layer.weights_bytes == sum(size for name, size in expected.items() if name.startswith(f"blk.{number}."))
    assert model.total_bytes == sum(expected.values())


def test_a_heavy_head_outweighs_all_layers(tmp_path: Path) -> None:
    model = facts(write_heavy_head(tmp_path / "m.gguf"))
    assert model.head_bytes > sum(layer.weights_bytes for layer in model.layers)
    assert model.n_vocab == 32_000


def test_tied_embeddings_stand_twice(tmp_path: Path) -> None:
    tied = facts(write_heavy_head(tmp_path / "tied.gguf", tied=True))
    untied = facts(write_heavy_head(tmp_path / "untied.gguf"))
    assert tied.tied_embeddings
    assert (tied.head_bytes, tied.embedding_bytes) == (untied.head_bytes, untied.embedding_bytes)
    assert tied.total_bytes == untied.total_bytes - tied.embedding_bytes


def test_experts_are_read_in_part(tmp_path: Path) -> None:
    model = facts(write_moe(tmp_path / "m.gguf", n_experts=8, n_used=2))
    experts = 3 * 64 * 64 * 8 * 2
    assert (model.n_experts, model.n_experts_used) == (8, 2)
    assert {layer.weights_bytes - layer.active_bytes for layer in model.layers} == {experts * 6 // 8}


def test_experts_in_separate_tensors_and_used_per_layer() -> None:
    names = [f"blk.{layer}.ffn_up.{expert}.weight" for layer in range(2) for expert in range(4)]
    used = make.numbers("llama.expert_used_count", [1, 4])
    model = with_keys("llama", 2, used, names=names, expert_count=4)
    assert [(layer.weights_bytes, layer.active_bytes) for layer in model.layers] == [(64, 16), (64, 64)]


def test_where_tensors_without_a_layer_belong() -> None:
    names = [
        "token_embd.weight",
        "output.weight",
        "output_norm.bias",
        "rope_freqs.weight",
        "token_embd_norm.weight",
        "cls.bias",
    ]
    model = with_keys("llama", 2, names=names)
    assert (model.embedding_bytes, model.head_bytes, model.other_bytes) == (16, 48, 16)
    assert [layer.weights_bytes for layer in model.layers] == [16, 0]
    lfm2 = with_keys("lfm2", 2, names=["token_embd.weight", "token_embd_norm.weight"])
    assert (lfm2.head_bytes, lfm2.embedding_bytes, lfm2.tied_embeddings) == (32, 16, True)


SIX_OF_TWELVE = [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("architecture", "n_layers", "numbers", "expected", "window"),
    [
        ("llama", 4, {"attention__sliding_window": 512}, "....", None),
        ("phi3", 4, {"attention__sliding_window": 2047}, "....", None),
        ("an-architecture-of-tomorrow", 4, {"attention__sliding_window": 512}, "....", None),
        ("gemma2", 5, {}, "s.s.s", 4096),
        ("gemma2", 4, {"attention__sliding_window": 1024}, "s.s.", 1024),
        ("gemma3", 13, {"attention__sliding_window": 512}, "sssss.sssss.s", 512),
        ("gemma3", 7, {"attention__sliding_window": 512, "attention__sliding_window_pattern": 3}, "ss.ss.s", 512),
        ("gemma3", 3, {}, "...", None),
        ("gemma3", 3, {"attention__sliding_window": 0}, "...", None),
        ("gemma3n", 25, {"attention__sliding_window": 512}, "ssss." * 4 + "-" * 5, 512),
        ("cohere2", 5, {"attention__sliding_window": 4096}, "sss.s", 4096),
        ("cohere2moe", 6, {"attention__sliding_window": 4096}, ".sss.s", 4096),
        ("gpt-oss", 4, {"attention__sliding_window": 128}, "s.s.", 128),
        ("llama4", 8, {}, "sss.sss.", 8192),
        ("llama4", 4, {"attention__sliding_window": 77}, "sss.", 8192),
        ("llama4", 4, {"attention__sliding_window": 0}, "....", None),
        ("smallthinker", 5, {"attention__sliding_window": 9}, ".sss.", 4096),
        ("smallthinker", 4, {}, "....", None),
        ("olmo2", 4, {"attention__sliding_window": 4096}, "sss.", 4096),
        ("exaone4", 64, {}, "sss." * 16, 4096),
        ("exaone4", 30, {"attention__sliding_window": 4096}, "." * 30, None),
        ("exaone-moe", 4, {}, "sss.", 128),
        ("plamo3", 8, {"attention__sliding_window": 2048}, "sssssss.", 2048),
        ("afmoe", 5, {"attention__sliding_window": 64, "nextn_predict_layers": 1}, "sss.-", 64),
        ("gemma4", 12, {"attention__sliding_window": 1024, "attention__shared_kv_layers": 2}, "s.s.s.s.s.--", 1024),
        ("mimo2", 12, {"attention__sliding_window": 128}, "s." * 6, 128),
        ("gemma-embedding", 3, {"attention__sliding_window": 512}, "---", None),
        ("bert", 3, {}, "---", None),
    ],
)
def test_sliding_windows(architecture: str, n_layers: int, numbers: dict[str, int], expected: str, window: int | None) -> None:
    listed = ()
    if architecture in ("gemma4", "mimo2"):
        listed = (make.array(f"{architecture}.attention.sliding_window_pattern", make.BOOL, 12, bytes(SIX_OF_TWELVE)),)
    model = with_keys(architecture, n_layers, *listed, **numbers)
    assert windows(model) == expected
    assert {layer.kv.sliding_window_tokens for layer in model.layers} - {None} == ({window} if window else set())


def test_heads_of_sliding_layers_may_have_another_length() -> None:
    model = with_keys("gemma2", 2, attention__key_length_swa=8, attention__value_length_swa=4, attention__key_length=32)
    assert [(layer.kv.k_elements_per_token, layer.kv.v_elements_per_token) for layer in model.layers] == [(16, 8), (64, 32)]
    assert [layer.kv.v_elements_without_flash_attention for layer in model.layers] == [32, None]


def test_heads_may_differ_by_layer() -> None:
    model = with_keys("deci", 3, make.numbers("deci.attention.head_count_kv", [4, 0, 1]))
    assert [layer.kv.k_elements_per_token for layer in model.layers] == [64, 0, 16]
    assert [layer.kv.v_elements_without_flash_attention for layer in model.layers] == [None, None, 64]


def test_latent_attention_keeps_only_k(tmp_path: Path) -> None:
    model = facts(write_latent(tmp_path / "m.gguf", kv_rank=64, rope=32))
    assert {(layer.kv.k_elements_per_token, layer.kv.v_elements_per_token) for layer in model.layers} == {(96, 0)}
    legacy = with_keys("deepseek2", 2, attention__kv_lora_rank=64)
    assert {(layer.kv.k_elements_per_token, layer.kv.v_elements_per_token) for layer in legacy.layers} == {(32, 32)}


def test_sparse_attention_adds_its_indexers_keys() -> None:
    mla = {"attention__key_length_mla": 48, "attention__value_length_mla": 32, "attention__indexer__key_length": 8}
    kinds = make.numbers("glm-dsa.attention.indexer.types", [1, 0, 1])
    model = with_keys("glm-dsa", 4, kinds, nextn_predict_layers=1, **mla)
    assert [layer.kv.k_elements_per_token for layer in model.layers] == [40, 32, 40, 0]
    assert {layer.kv.v_elements_per_token for layer in model.layers} == {0}


def test_a_recurrent_model_keeps_a_state(tmp_path: Path) -> None:
    model = facts(write_recurrent(tmp_path / "m.gguf"))
    assert {layer.kv.recurrent_bytes_per_sequence for layer in model.layers} == {4 * (3 * (128 + 2 * 16) + 16 * 128)}
    assert windows(model) == "-" * 6


def test_a_hybrid_recurs_where_it_has_no_heads(tmp_path: Path) -> None:
    model = facts(write_hybrid(tmp_path / "m.gguf", kv_heads=(0, 1, 0, 2)))
    assert windows(model) == "-.-."
    assert [layer.kv.recurrent_bytes_per_sequence for layer in model.layers] == [4 * 64 * 2, 0, 4 * 64 * 2, 0]


SSM = {"ssm__conv_kernel": 4, "ssm__inner_size": 32, "ssm__state_size": 8, "ssm__group_count": 2}
SSM_BYTES = 4 * (3 * (32 + 2 * 2 * 8) + 8 * 32)


@pytest.mark.parametrize(
    ("architecture", "keys", "numbers", "attends", "recurs"),
    [
        ("mamba", (), {"ssm__conv_kernel": 4, "ssm__inner_size": 32, "ssm__state_size": 8}, "----", [4 * (96 + 256)] * 4),
        ("rwkv6", (), {"wkv__head_size": 16}, "----", [4 * (2 * 64 + 64 * 16)] * 4),
        ("arwkv7", (), {"wkv__head_size": 16, "token_shift_count": 1}, "----", [4 * (64 + 64 * 16)] * 4),
        ("falcon-h1", (), SSM, "....", [SSM_BYTES] * 4),
        ("qwen3next", (), SSM, "---.", [SSM_BYTES] * 3 + [0]),
        ("qwen3next", (), {**SSM, "nextn_predict_layers": 1}, "----", [SSM_BYTES] * 3 + [0]),
        ("qwen35", (), {**SSM, "full_attention_interval": 2}, "-.-.", [SSM_BYTES, 0] * 2),
        (
            "qwen35moe",
            (make.numbers("qwen35moe.attention.recurrent_layers", [0, 1, 1, 0]),),
            SSM,
            ".--.",
            [0, SSM_BYTES, SSM_BYTES, 0],
        ),
        ("minimax-01", (), {"full_attention_interval": 4}, "---.", [4 * 16 * 16 * 4] * 3 + [0]),
        (
            "granitehybrid",
            (make.numbers("granitehybrid.attention.head_count_kv", [0, 2, 0, 0]),),
            SSM,
            "-.--",
            [SSM_BYTES, 0] + [SSM_BYTES] * 2,
        ),
        (
            "nemotron_h",
            (
                make.numbers("nemotron_h.attention.head_count_kv", [0, 0, 2, 0]),
                make.numbers("nemotron_h.feed_forward_length", [0, 128, 0, 128]),
            ),
            SSM,
            "--.-",
            [SSM_BYTES, 0, 0, 0],
        ),
        (
            "kimi-linear",
            (make.numbers("kimi-linear.attention.head_count_kv", [0, 0, 0, 1]),),
            {"kda__head_dim": 8, "ssm__conv_kernel": 4},
            "---.",
            [4 * (3 * 3 * 32 + 64 * 4)] * 3 + [0],
        ),
    ],
)
def test_recurrent_layers(
    architecture: str, keys: tuple[bytes, ...], numbers: dict[str, int], attends: str, recurs: list[int]
) -> None:
    model = with_keys(architecture, 4, *keys, **numbers)
    assert windows(model) == attends
    assert [layer.kv.recurrent_bytes_per_sequence for layer in model.layers] == recurs


def test_next_token_prediction_layers_count_but_do_not_run() -> None:
    model = with_keys("glm4moe", 3, names=[f"blk.{layer}.attn_norm.weight" for layer in range(3)], nextn_predict_layers=1)
    assert windows(model) == "..-"
    assert [(layer.weights_bytes, layer.active_bytes) for layer in model.layers] == [(16, 16), (16, 16), (16, 0)]


def test_architectures_with_more_layers_than_blocks() -> None:
    names = [f"blk.{layer}.attn_norm.weight" for layer in range(2)]
    looped = with_keys("nanbeige", 2, names=names, num_loops=3)
    assert windows(looped) == "......"
    assert [(layer.weights_bytes, layer.active_bytes) for layer in looped.layers] == [(16, 48)] * 2 + [(0, 0)] * 4
    switched = with_keys("graniteswitch", 2, names=names)
    assert [layer.kv.k_elements_per_token for layer in switched.layers] == [32, 32, 16]


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ([], "which architecture"),
        ([make.string("general.architecture", "llama")], "0 layers"),
        ([make.string("general.architecture", "llama"), make.number("llama.block_count", 513)], "513 layers"),
        ([make.string("general.architecture", "llama"), make.string("llama.block_count", "4")], "must be a whole number"),
        ([make.string("general.architecture", "llama"), make.number("llama.block_count", 0xFFFFFFFF)], "whole number"),
        ([make.string("general.architecture", "clip")], "not a language model"),
        ([make.string("general.architecture", "llama"), make.string("general.type", "adapter")], "a part for one (adapter)"),
        (
            [
                make.string("general.architecture", "llama"),
                make.number("llama.block_count", 4),
                make.numbers("llama.attention.head_count_kv", [1, 2]),
            ],
            "2 entries for attention.head_count_kv, but 4 layers",
        ),
        (
            [
                make.string("general.architecture", "llama"),
                make.number("llama.block_count", 4),
                make.numbers("llama.attention.head_count", [1] * 5000),
            ],
            "5000 entries",
        ),
        (
            [
                make.string("general.architecture", "glm4moe"),
                make.number("glm4moe.block_count", 2),
                make.number("glm4moe.nextn_predict_layers", 3),
            ],
            "3 next-token-prediction layers among only 2",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
def test_refuses_what_llama_cpp_would_refuse(keys: list[bytes], what: str) -> None:
    with pytest.raises(BadModelFile) as caught:
        facts_of(make.gguf(keys))
    assert what in str(caught.value)
    assert str(caught.value).startswith("model.gguf ")


def test_a_tensor_of_a_layer_that_is_not_there() -> None:
    with pytest.raises(BadModelFile, match=r"'blk\.7\.w', but only 2 layers"):
        with_keys("llama", 2, names=["blk.7.w"])


def test_sliding_model_as_written(tmp_path: Path) -> None:
    assert windows(facts(write_sliding(tmp_path / "m.gguf", n_layers=8))) == "sssss.ss"
