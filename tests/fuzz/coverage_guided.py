"""Every reader of foreign bytes under a fuzzer that follows which lines were reached:
``python -m tests.fuzz.coverage_guided [--minutes 30] [READER...]``.

Each reader gets its share of the time in a process of its own; what reached new lines is kept in ``.cache/fuzz-corpus`` and
is where the next call goes on. The first find ends it, with exit status 1: it lies in ``.cache/fuzz-finds``, as those of
``test_fuzz``. Atheris is part of ``make fuzz`` and not of the tests: it has wheels for Linux on x86-64 only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from tests.fuzz.bounds import FINDS, MOST_BYTES

CORPUS = FINDS.parent / "fuzz-corpus"
LONGEST_BYTES = 65536
SLOWEST_SECONDS = 20
"""libFuzzer's own limit for one input; ours (``bounds``) is stricter and counts processor time."""
READER_VARIABLE = "CROSSPLY_FUZZ_READER"


def reader_names() -> list[str]:
    """All of them."""
    from tests.fuzz.test_fuzz import READERS

    return list(READERS)


def fuzz_each(names: list[str], seconds: float) -> int:
    """Exit status of the first that found something, else 0."""
    for number, name in enumerate(names, 1):
        print(f"{number} of {len(names)}: {name}, {seconds:.0f} s", flush=True)
        argv = [sys.executable, "-m", "tests.fuzz.coverage_guided", "--minutes", str(seconds / 60), name]
        done = subprocess.run(
            argv, env={**os.environ, READER_VARIABLE: name}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        lines = done.stdout.decode("utf-8", errors="replace").splitlines()
        if done.returncode != 0:
            print("\n".join(lines[-30:]))
            print(f"{name}: found something, see {FINDS}.", flush=True)
            return 1
        print(f"  {lines[-1] if lines else 'said nothing'}", flush=True)
    return 0


def fuzz_one(name: str, seconds: float) -> None:
    """In this process, until the time is up or something is found; does not return."""
    import atheris

    with atheris.instrument_imports(include=["engine"]):
        from tests.fuzz.test_fuzz import READERS
    from tests.fuzz.bounds import check

    reader = READERS[name]
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    FINDS.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(reader.seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    options = {
        "max_total_time": max(1, round(seconds)),
        "max_len": LONGEST_BYTES,
        "timeout": SLOWEST_SECONDS,
        "malloc_limit_mb": MOST_BYTES >> 20,
        "artifact_prefix": f"{FINDS}/{name}-",
    }
    atheris.Setup(
        [name, str(folder), *(f"-{key}={value}" for key, value in options.items())],
        lambda content: check(reader, content, counts_memory=False),
    )
    atheris.Fuzz()


def main(arguments: list[str] | None = None) -> int:
    """Exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.coverage_guided", description="Fuzz every reader.")
    parser.add_argument("--minutes", type=float, default=30.0, help="for all of them together")
    parser.add_argument("readers", nargs="*", metavar="READER", help="only these")
    given = parser.parse_args(arguments)
    if READER_VARIABLE in os.environ:
        fuzz_one(os.environ[READER_VARIABLE], 60 * given.minutes)
    names = given.readers or reader_names()
    unknown = sorted(set(names) - set(reader_names()))
    if unknown:
        parser.error(f"no such reader: {', '.join(unknown)}. There are {', '.join(reader_names())}.")
    return fuzz_each(names, 60 * given.minutes / len(names))


if __name__ == "__main__":
    sys.exit(main())
