"""What llama-bench prints for a command line: every model times every test, at made-up but sensible rates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product


def bench_output(argv: Sequence[str], seconds_per_layer_token: float = 0.001) -> tuple[str, ...]:
    """The JSON array, line by line. A token takes so long per two layers; deeper and in smaller batches it takes longer."""
    rows = []
    for path, depth, ubatch in product(_values(argv, "-m"), _numbers(argv, "-d") or [0], _numbers(argv, "-ub")):
        for prompt, decode in ((max(_numbers(argv, "-p")), 0), (0, max(_numbers(argv, "-n")))):
            if prompt or decode:
                seconds = seconds_per_layer_token * (1 + depth / 1000) * (9 if path.endswith("-18.gguf") else 1)
                seconds *= (0.1 + 1 / ubatch) if prompt else 1
                row = {"model_filename": path, "n_prompt": prompt, "n_gen": decode, "n_depth": depth, "n_ubatch": ubatch}
                rows.append(row | {"avg_ts": 1 / seconds})
    return tuple(json.dumps(rows, indent=2).splitlines())


def _values(argv: Sequence[str], option: str) -> list[str]:
    given = [argv[index + 1] for index, word in enumerate(argv) if word == option]
    return [value for values in given for value in values.split(",")]


def _numbers(argv: Sequence[str], option: str) -> list[int]:
    return [int(value) for value in _values(argv, option)]
