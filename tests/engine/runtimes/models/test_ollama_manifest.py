"""Ollama's manifests: what is read, and what is not followed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runtimes.models.ollama_manifest import BadManifest, blob_names_of, model_name_of

HEX = "ab" * 32


def manifest(*layers: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "layers": list(layers)}).encode()


def layer(kind: str = "model", digest: object = f"sha256:{HEX}") -> dict[str, object]:
    return {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest, "size": 5}


def test_the_model_among_the_layers() -> None:
    text = manifest(layer("template", "sha256:" + "0" * 64), layer(), layer("projector", "sha256:" + "1" * 64), {}, 7)
    assert blob_names_of(text) == (f"sha256-{HEX}", f"sha256:{HEX}")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"layers": 3}',
        manifest(),
        manifest(layer(), layer()),
        manifest(layer(digest="sha256:../../../etc/passwd")),
        manifest(layer(digest="/etc/passwd")),
        manifest(layer(digest=f"sha256:{HEX}/..")),
        manifest(layer(digest=f"sha256:{HEX}\n")),
        manifest(layer(digest=None)),
        manifest(layer(digest=f"sha512:{HEX}")),
    ],
)
def test_what_is_skipped(text: bytes) -> None:
    with pytest.raises(BadManifest):
        blob_names_of(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_not(text: bytes) -> None:
    with pytest.raises(BadManifest):
        blob_names_of(text)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("registry.ollama.ai", "library", "llama3.2", "3b"), "llama3.2:3b"),
        (("registry.ollama.ai", "ada", "tuned", "latest"), "ada/tuned:latest"),
        (("hf.co", "ggml-org", "gemma", "Q4_K_M"), "hf.co/ggml-org/gemma:Q4_K_M"),
    ],
)
def test_names_are_ollamas_own(parts: tuple[str, ...], name: str) -> None:
    assert model_name_of(parts) == name


@pytest.mark.parametrize(
    "parts", [("a",), ("a", "b", "c"), ("a", "b", "c", ""), ("a", "..", "c", "d"), ("a", "b", "c\n", "d")]
)
def test_other_paths_name_nothing(parts: tuple[str, ...]) -> None:
    with pytest.raises(BadManifest):
        model_name_of(parts)
