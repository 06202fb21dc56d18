"""Made-up models: what is written is a GGUF that other readers understand, of the size that was asked for."""

from __future__ import annotations

import gguf as reference
import numpy as np
import pytest

from engine.llama_cpp.gguf.tensor_types import TENSOR_TYPES
from engine.measuring.synthetic_model import SyntheticModel, synthetic_facts, write_synthetic

MODEL = SyntheticModel(
    name="m", weights="q4_K", n_layers=2, width=256, feed_forward=512, n_head=4, n_head_kv=2, head_length=64
)


def test_the_file_is_a_gguf_for_the_reference_reader(tmp_path):
    facts = write_synthetic(MODEL, tmp_path)
    tensors = {tensor.name: tensor for tensor in reference.GGUFReader(tmp_path / "m.gguf").tensors}
    assert len(tensors) == 3 + 2 * 9
    assert tensors["blk.1.ffn_down.weight"].tensor_type.name == "Q4_K"
    assert list(tensors["blk.1.ffn_down.weight"].shape) == [512, 256]
    assert facts.total_bytes == sum(int(tensor.n_bytes) for tensor in tensors.values())
    assert (facts.n_layers, facts.n_embd, facts.n_vocab, facts.name) == (2, 256, 512, "m")
    assert facts.path == str(tmp_path / "m.gguf")
    assert dict(facts.layers[0].active_bytes_by_type)["q4_K"] > 0.9 * facts.layers[0].active_bytes


def test_every_time_the_same(tmp_path):
    (tmp_path / "other").mkdir()
    write_synthetic(MODEL, tmp_path)
    write_synthetic(MODEL, tmp_path / "other")
    assert (tmp_path / "m.gguf").read_bytes() == (tmp_path / "other" / "m.gguf").read_bytes()


def test_weights_are_normal_numbers_whatever_they_become_part_of(tmp_path):
    write_synthetic(MODEL, tmp_path)
    tensors = {tensor.name: tensor for tensor in reference.GGUFReader(tmp_path / "m.gguf").tensors}
    for name in ("output_norm.weight", "output.weight"):
        values = np.asarray(tensors[name].data)
        assert np.isfinite(values).all()
        assert (values >= np.finfo(values.dtype).tiny).all()


@pytest.mark.parametrize("kind", sorted({kind.name for kind in TENSOR_TYPES.values()} - {"q8_1", "q8_K"}))
def test_every_type_has_a_header(kind):
    facts = synthetic_facts(SyntheticModel(**{**_fields(), "weights": kind}), "/x/m.gguf")
    assert facts.path == "/x/m.gguf"
    assert kind in dict(facts.layers[0].active_bytes_by_type)


def _fields():
    return {name: getattr(MODEL, name) for name in SyntheticModel.__dataclass_fields__}
