"""What a GGUF file holds, told from its first bytes: a model that writes text, or something else. Pure.

A list of models must not read whole headers: the vocabulary alone is 5 MB, and a folder may hold hundreds of files. The keys
that matter stand first in what llama.cpp's converters write (gguf-py writes ``general.architecture`` before all others).
Rejected: the file's name alone (Ollama's blobs have none, and a projector may be called anything).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

PREFIX_BYTES = 64 * 1024
"""How much of a file is enough."""

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_MOST_KEYS = 64
_WANTED = ("general.architecture", "general.type")

_ENCODERS_AND_PROJECTORS = (
    "clip", "whisper", "wavtokenizer-dec", "t5encoder", "bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert",
    "jina-bert-v2", "jina-bert-v3", "eurobert", "gemma-embedding",
)  # fmt: skip
"""They answer with vectors or sound."""
_PICTURES_AND_FILMS = (
    "flux", "sd1", "sd2", "sd3", "sdxl", "aura", "ltxv", "hyvid", "wan", "cosmos", "hidream", "lumina2", "qwen_image",
    "z_image", "pig",
)  # fmt: skip
"""stable-diffusion.cpp and ComfyUI use the same file format."""
_WITHOUT_TEXT = frozenset((*_ENCODERS_AND_PROJECTORS, *_PICTURES_AND_FILMS))


def is_language_model(prefix: bytes) -> bool:
    """Whether a file that begins like this may be a model that writes text. What the first bytes do not say is no reason to
    hide a file: the whole header decides when it is chosen."""
    if len(prefix) < 24 or prefix[:4] != b"GGUF":
        return False
    told = dict(_texts(prefix))
    if told.get("general.type", "model") != "model":
        return False
    return told.get("general.architecture") not in _WITHOUT_TEXT


def _texts(prefix: bytes) -> Iterator[tuple[str, str]]:
    """The wanted keys, until both are there or the bytes or our patience end."""
    (n_keys,) = struct.unpack_from("<Q", prefix, 16)
    at, wanted = 24, set(_WANTED)
    try:
        for _ in range(min(n_keys, _MOST_KEYS)):
            key, at = _text(prefix, at)
            (kind,) = struct.unpack_from("<I", prefix, at)
            at += 4
            if kind == _STRING:
                value, at = _text(prefix, at)
                if key in wanted:
                    wanted.remove(key)
                    yield key, value
            elif kind in _SIZES:
                at += _SIZES[kind]
            else:
                at = _after_array(prefix, at)
            if not wanted:
                return
    except (struct.error, _Beyond):
        return


class _Beyond(Exception):
    """What comes next is not among the first bytes."""


def _text(prefix: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", prefix, at)
    end = at + 8 + length
    if end > len(prefix):
        raise _Beyond
    return prefix[at + 8 : end].decode("utf-8", "backslashreplace"), end


def _after_array(prefix: bytes, at: int) -> int:
    kind, length = struct.unpack_from("<IQ", prefix, at)
    at += 12
    if kind in _SIZES:
        end = int(at + _SIZES[kind] * length)
        if end > len(prefix):
            raise _Beyond
        return end
    if kind != _STRING or length > len(prefix):
        raise _Beyond
    for _ in range(length):
        _, at = _text(prefix, at)
    return at
