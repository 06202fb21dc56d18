"""Ollama's manifests: which blob is a model, and what Ollama calls it. Pure.

``manifests/HOST/NAMESPACE/MODEL/TAG`` is JSON like that of a container image: layers with a media type and a digest, and the
blob of a digest is the file ``blobs/sha256-HEX`` (``sha256:HEX`` in old stores). Whatever else a manifest says is not
followed: a digest that is not 64 hexadecimal digits could name any file of the machine.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_MODEL = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,255}")
LARGEST_MANIFEST_BYTES = 1 << 20


class BadManifest(ValueError):
    """Why a manifest is skipped, for the log."""


def blob_names_of(text: bytes) -> tuple[str, str]:
    """The names that the model's blob may have in ``blobs``, today's first. Raises ``BadManifest``."""
    digests = _digests(text)
    if len(digests) != 1:
        raise BadManifest(f"it names {len(digests)} models")
    match = _DIGEST.fullmatch(digests[0])
    if match is None:
        raise BadManifest("its digest is not the SHA-256 of a blob")
    return f"sha256-{match[1]}", f"sha256:{match[1]}"


def model_name_of(parts: tuple[str, ...]) -> str:
    """What ``ollama list`` prints for ``manifests/`` + these parts: without the host and the namespace that are usual.
    Raises ``BadManifest``."""
    if len(parts) != 4 or not all(_NAME.fullmatch(part) for part in parts):
        raise BadManifest("its path is not HOST/NAMESPACE/MODEL/TAG")
    host, namespace, model, tag = parts
    shown = [] if host == "registry.ollama.ai" else [host]
    shown += [] if namespace == "library" and not shown else [namespace]
    return "/".join((*shown, f"{model}:{tag}"))


def _digests(text: bytes) -> list[str]:
    try:
        manifest: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadManifest("it is not JSON") from None
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    if not isinstance(layers, list):
        raise BadManifest("it has no list of layers")
    found = [layer.get("digest") for layer in layers if isinstance(layer, dict) and layer.get("mediaType") == _MODEL]
    return [digest if isinstance(digest, str) else "" for digest in found]
