"""``crossplyctl demo``: the whole story on one machine without a GPU, with a small real model, in under a minute once set up.

Two CPU workers on this machine, the layers split evenly between them, the layer map proven, a question answered, predicted
beside measured throughput, everything stopped. It shows that the machinery is real; two workers on one CPU are no faster than
one, and the demo says so.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from engine.cli.terminal import exit_codes
from engine.cli.terminal.foreground import Foreground, in_foreground
from engine.cli.terminal.options import add_json, add_runtime, choices_of, model_path
from engine.cli.terminal.output import complain, print_json, print_line, rate, say
from engine.cli.up import calibrated, map_is_as_planned, print_plan_on, print_run
from engine.errors import BadInput
from engine.open_session import open_session
from engine.run_files.run_file import is_running
from engine.runtimes.demo_model import find_demo_model
from engine.session.state import ClusterState
from engine.session.telling.as_json import state_json, timings_json
from engine.settings.folders import find_folders
from engine.vocabulary.plan import Policy, RunShape
from engine.vocabulary.worker import Layout

QUESTION = "Question: What is the capital of France?\nAnswer:"
"""The demo model is a base model without a chat template of its own, so it is given a text to go on with."""
ANSWER_TOKENS = 32


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("demo", help="the whole story on this machine with a small real model")
    parser.add_argument(
        "--model", metavar="FILE", help="a GGUF file to show it with, instead of the small model that is fetched"
    )
    parser.add_argument("--question", default=QUESTION, help="what to ask")
    add_runtime(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Tell it."""
    folders = find_folders()
    model = model_path(arguments.model) or find_demo_model(folders)
    if model is None:
        raise BadInput(
            "The demo model is not there yet.",
            advice="Name a GGUF file with --model, or run crossplyctl runtime build --with-model once (253 MB).",
        )
    if is_running(folders.state):
        complain("A cluster of yours is running already.", "Stop it with crossplyctl down.")
        return exit_codes.FAILED
    choices = replace(
        choices_of(arguments),
        model_path=str(model),
        policy=Policy.EVEN,
        layout=Layout.PER_DEVICE,
        shape=RunShape(context_tokens=2048),
        cpu_workers=2,
        left_out=frozenset(),
    )
    with in_foreground(open_session(choices)) as foreground:
        foreground.wait_until_planned()
        say("Measuring how fast each worker is (once per build and model) ...")
        state = calibrated(foreground)
        print_plan_on(state, as_json=arguments.json)
        state = foreground.launch()
        if not arguments.json:
            print_map(state)
            print_run(state)
        state = _ask(foreground, arguments.question)
        foreground.stop()
        _print_end(arguments, state)
        return exit_codes.OK if map_is_as_planned(state) else exit_codes.MAP_DIFFERS


def _ask(foreground: Foreground, question: str) -> ClusterState:
    foreground.session.ask(question, max_tokens=ANSWER_TOKENS, chat=False, temperature=0.0)
    return foreground.wait_for(lambda state: state.answer is not None and state.answer.finished, "Asking")


def print_map(state: ClusterState) -> None:
    """The layer map as two rows of letters, one letter a worker."""
    run = state.run
    if run is None:
        return
    letters = {worker.id: chr(ord("A") + index) for index, worker in enumerate(run.plan.used_workers)}
    planned = "".join(letters.get(place.planned, "?") if place.planned else "?" for place in run.layer_map.places)
    actual = "".join(letters.get(place.actual, "?") if place.actual else "?" for place in run.layer_map.places)  # type: ignore[call-overload]
    print_line(f"  layers   0 .. {run.plan.model.n_layers - 1}, then the output layer")
    print_line(f"  planned  {planned}")
    print_line(f"  actual   {actual}")
    for id_, letter in letters.items():
        print_line(f"  {letter} = {id_}")


def _print_end(arguments: argparse.Namespace, state: ClusterState) -> None:
    answer = state.answer
    if arguments.json:
        asked: dict[str, Any] | None = None
        if answer is not None:
            asked = {"question": answer.prompt, "answer": answer.text, "timings": timings_json(answer.timings)}
        print_json({**state_json(state), "asked": asked})
        return
    if answer is not None:
        decode = answer.timings.decode_tokens_per_second if answer.timings else None
        said = answer.text.strip().partition("\n")[0] or answer.problem or "(nothing)"
        print_line(f"Asked:    {answer.prompt.replace(chr(10), ' ')}")
        print_line(f"Answered: {said} ({rate(decode)})")
    print_line("Everything is stopped. Two workers on one CPU show that it works; one worker with all its cores is as fast.")
