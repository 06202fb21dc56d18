"""A machine with a GPU, looked at in ten minutes: is what is planned what happens, and how fast is it?

``python -m tests.benchmarks.on_a_card [MODEL [RESERVE]]`` (without: gemma-3-270m, 90). ``crossplyctl up`` in every way that
uses the card: as the fastest plan has it, over an rpc-server, shared evenly with the CPU, and with so large a reserve
(percent) that the model does not fit on the card alone. Of each: split, map, predicted beside measured, what is planned
beside what llama.cpp allocated, and what nvidia-smi says its processes hold, where there is one. Nothing is calibrated:
predictions are the data sheet's. The README's figures of an H100 were taken with a script that this one was made from.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from engine.runtimes.demo_model import find_demo_model
from engine.runtimes.find_runtimes import CHOSEN_VARIABLE
from engine.runtimes.runtime_finder import LocalRuntimeFinder
from engine.settings.folders import DATA_VARIABLE, find_folders
from tests.end_to_end.crossply_programs import json_of, up

START_SECONDS = 180.0
USUAL_RESERVE = "90"
MIB = 1 << 20


def ways(reserve: str) -> dict[str, tuple[str, ...]]:
    """What is added to ``up MODEL``."""
    return {
        "fastest": (),
        "over rpc-servers": ("--native", "never"),
        "even": ("--policy", "even"),
        f"reserve {reserve} %": ("--reserve", reserve),
    }


def held_by_processes() -> str:
    """Of the cards' memory, as the driver says; empty without NVIDIA's programs."""
    query = ("nvidia-smi", "--query-compute-apps=process_name,used_gpu_memory", "--format=csv,noheader")
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False).stdout
    except OSError:
        return ""
    return "; ".join(line.rpartition("/")[2] for line in said.splitlines())


def report(way: str, status: dict[str, Any], on_cards: str) -> None:
    """One way, in Markdown."""
    plan, measured = status["plan"], status["measured"]
    verdict = "as planned" if status["map"]["matches"] else "DIFFERS"
    print(f"\n**{way}**: -ts {','.join(map(str, plan['tensor_split']))}, map {verdict}, pipelined: {status['pipelined']}")
    for what in ("decode", "prefill"):
        key = f"{what}_tokens_per_second"
        predicted = plan["predicted"][key]
        print(f"- {what}: {measured[key]:.1f} tokens/s, predicted {'nothing' if predicted is None else f'{predicted:.1f}'}")
    held = {buffers["worker"]: buffers for buffers in status["buffers"]}
    for worker in plan["workers"]:
        if worker["id"] in held:
            pairs = (
                (kind, worker[f"{kind}_bytes"], held[worker["id"]][f"{kind}_bytes"]) for kind in ("weights", "kv", "compute")
            )
            sizes = ", ".join(f"{kind} {ours / MIB:.2f} / {theirs / MIB:.2f}" for kind, ours, theirs in pairs)
            print(f"- {worker['id']} ({worker['exposure']}), MiB planned / allocated: {sizes}")
    if on_cards:
        print(f"- on the cards: {on_cards}")


def main(model: str, reserve: str) -> None:
    """Every way in turn."""
    runtime = LocalRuntimeFinder(find_folders(), environment=os.environ).find(None)[0]
    with tempfile.TemporaryDirectory(prefix="crossply-card-") as folder:
        environment = {**os.environ, CHOSEN_VARIABLE: runtime.folder, DATA_VARIABLE: folder}
        node = json_of(environment, "node")
        print(f"{[gpu['name'] for gpu in node['machine']['gpus']]}, {runtime.backends} from {runtime.folder}")
        for number, (way, arguments) in enumerate(ways(reserve).items()):
            with up(environment, Path(folder) / str(number), model, *arguments) as running:
                try:
                    report(way, running.wait_until_serving(START_SECONDS), held_by_processes())
                except AssertionError as error:  # the other ways say something all the same
                    print(f"\n**{way}**: {error}")


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else find_demo_model(find_folders())
    if chosen is None:
        sys.exit("Name a model, or run make test once: it fetches the small one.")
    main(str(chosen), sys.argv[2] if len(sys.argv) > 2 else USUAL_RESERVE)
