"""Whatever is read from outside: at most the one documented error, in bounded time and memory.

``make fuzz`` lets this run for ``MINUTES``; in a test run each reader gets some dozens of examples, always the same ones. What
was ever found lies in ``tests/fuzz/cases`` (``NAME-WHAT.case``: a line that says what was wrong, then the bytes), and is read
first.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import readers_files, readers_llama_cpp, readers_machines
from tests.fuzz.bounds import check
from tests.fuzz.mutations import spoilt

EXAMPLES = int(os.environ.get("CROSSPLY_FUZZ_EXAMPLES", "60"))
"""For each reader."""
LONG = "CROSSPLY_FUZZ_EXAMPLES" in os.environ
CASES = sorted((Path(__file__).parent / "cases").glob("*.case"))
READERS = {
    reader.name: reader for module in (readers_llama_cpp, readers_machines, readers_files) for reader in module.readers()
}
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not LONG,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_was_found_once_stays_mended(case: Path) -> None:
    comment, _, content = case.read_bytes().partition(b"\n")
    assert comment.startswith(b"# "), "the first line says what was wrong"
    (name,) = sorted((name for name in READERS if case.name.startswith(f"{name}-")), key=len)[-1:]
    check(READERS[name], content)


@pytest.mark.parametrize("name", READERS)
def test_the_seeds_themselves_are_read(name: str) -> None:
    for seed in READERS[name].seeds:
        check(READERS[name], seed)


@pytest.mark.parametrize("name", READERS)
def test_spoilt_documents(name: str) -> None:
    reader = READERS[name]

    @FUZZ
    @given(spoilt(reader.seeds))
    def run(content: bytes) -> None:
        check(reader, content)

    run()
