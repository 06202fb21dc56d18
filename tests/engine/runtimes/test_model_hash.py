"""Another beginning or another size is another model; reading is bounded."""

from engine.runtimes.model_hash import HASHED_BYTES, model_hash


def test_beginning_and_sizes_count(tmp_path):
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    one.write_bytes(b"GGUF" + bytes(HASHED_BYTES))
    two.write_bytes(b"GGUF" + bytes(HASHED_BYTES - 1) + b"x")  # differs only beyond what is read
    three.write_bytes(b"GGUF" + bytes(HASHED_BYTES + 1))
    hashes = [model_hash((str(path),)) for path in (one, two, three)]
    assert len(hashes[0]) == 64
    assert hashes[0] == hashes[1] != hashes[2]
    assert model_hash((str(one), str(two))) not in hashes


def test_what_cannot_be_read_has_none(tmp_path):
    assert model_hash(()) == ""
    assert model_hash((str(tmp_path / "gone"),)) == ""
