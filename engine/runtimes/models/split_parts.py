"""Names of model files: the parts of a split model, and what is no model whatever it holds. Pure.

Parts are named as llama.cpp names them (``llama_split_path``): ``NAME-00001-of-00003.gguf``.
"""

from __future__ import annotations

import re
from typing import Final

PART: Final = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_NOT_A_MODEL: Final = ("mmproj", "ggml-vocab")


def is_to_be_listed(name: str) -> bool:
    """Whether a file of this name is offered: no projector, no bare vocabulary, and of a split model the first part only."""
    part = PART.fullmatch(name)
    return not name.lower().startswith(_NOT_A_MODEL) and (part is None or int(part["number"]) == 1)


def part_name(stem: str, number: int, count: int) -> str:
    """The name of part ``number`` (from 1) of ``count``."""
    return f"{stem}-{number:05}-of-{count:05}.gguf"
