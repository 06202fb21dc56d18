"""What every reader of foreign bytes owes: at most the one documented error, soon, in little memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import LONGEST_SENTENCE, EngineError

MOST_SECONDS = 2.0
"""Of processor time, with tracemalloc on. The largest input is 512 KiB."""
MOST_BYTES = 64 << 20
FINDS = Path(__file__).parents[2] / ".cache" / "fuzz-finds"


@dataclass(frozen=True)
class Reader:
    """Something of ours that reads bytes that somebody else wrote."""

    name: str
    seeds: tuple[bytes, ...]
    read: Callable[[bytes], object]
    allowed: tuple[type[Exception], ...] = field(default=())
    """The one documented error, or none."""


def check(reader: Reader, content: bytes, *, counts_memory: bool = True) -> None:
    """Raises ``AssertionError``, or whatever the reader must not raise; the content is kept then.

    ``counts_memory``: takes several times as long.
    """
    try:
        _check(reader, content, counts_memory=counts_memory)
    except BaseException:
        FINDS.mkdir(parents=True, exist_ok=True)
        (FINDS / f"{reader.name}.case").write_bytes(b"# say what was wrong, and move this to tests/fuzz/cases\n" + content)
        raise


def _check(reader: Reader, content: bytes, *, counts_memory: bool) -> None:
    if counts_memory:
        tracemalloc.start()
    begun = time.process_time()
    try:
        reader.read(content)
    except reader.allowed as error:
        if isinstance(error, EngineError):
            _check_sentence(error)
    finally:
        seconds = time.process_time() - begun
        peak = tracemalloc.get_traced_memory()[1]  # 0 where it is not counted
        tracemalloc.stop()
    assert seconds < MOST_SECONDS, f"{seconds:.1f} s for {len(content)} bytes"
    assert peak < MOST_BYTES, f"{peak >> 20} MiB for {len(content)} bytes"


def _check_sentence(error: EngineError) -> None:
    assert error.happened, "an error without a sentence"
    assert len(str(error)) < 2 * LONGEST_SENTENCE + 10, f"a sentence of {len(str(error))} characters"
    str(error).encode()  # surrogates would break whoever prints it
