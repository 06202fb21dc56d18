"""``crossplyctl status``, ``map`` and ``down``: see and stop this user's running cluster, a window or an ``up``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from engine.cli.terminal import exit_codes
from engine.cli.terminal.options import add_json
from engine.cli.terminal.output import complain, print_json, print_line, print_table, printable, rate, say
from engine.run_files.run_file import ask_to_stop, is_running, read_running
from engine.settings.folders import find_folders

DOWN_SECONDS = 30.0


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the three commands."""
    for name, run, text in (
        ("status", run_status, "what runs: phase, processes, throughput"),
        ("map", run_map, "the layer map: planned beside actual, layer by layer"),
        ("down", run_down, "stop the running cluster"),
    ):
        parser = subparsers.add_parser(name, help=text)
        add_json(parser)
        parser.set_defaults(run=run)


def run_status(arguments: argparse.Namespace) -> int:
    """What runs."""
    state = read_running(find_folders().state)
    if state is None:
        return _nothing(arguments, {"phase": "not running"})
    if arguments.json:
        print_json(state)
        return exit_codes.OK
    print_line(f"Phase: {state['phase']}" + (f" at {state['api_url']}" if state["api_url"] else ""))
    if state["model"]:
        print_line(f"Model: {state['model']}")
    rows = [_process_row(process) for process in state["processes"]]
    if rows:
        print_table(("process", "machine", "phase", "pid", "endpoint", "reached by"), rows, right=("pid",))
    _print_machines(state)
    _print_rates(state)
    _print_recovery(state["recovery"])
    for problem in state["problems"]:
        complain(problem["happened"], problem["advice"])
    return exit_codes.OK


def _process_row(process: dict[str, Any]) -> tuple[str, ...]:
    return (
        process["title"],
        printable(process["machine"]),
        process["phase"],
        str(process["pid"] or "–"),
        process["endpoint"] or "–",
        process["exposure"] or "–",
    )


def _print_machines(state: dict[str, Any]) -> None:
    for tunnel in state["tunnels"]:
        forwards = ", ".join(f"{pair['local_port']} to its {pair['remote_port']}" for pair in tunnel["forwards"])
        print_line(f"Tunnel to {printable(tunnel['machine'])}: 127.0.0.1:{forwards}")
    for machine in state["machines"]:
        why = f", {printable(machine['problem'])}" if machine["problem"] else ""
        print_line(f"Machine {printable(machine['name'])} ({machine['ssh']}): {machine['phase']}{why}")


def _print_rates(state: dict[str, Any]) -> None:
    if not state["plan"]:
        return
    predicted, measured = state["plan"]["predicted"], state["measured"] or {}
    for word in ("decode", "prefill"):
        key = f"{word}_tokens_per_second"
        print_line(f"{word.capitalize()}: predicted {rate(predicted[key])}, measured {rate(measured.get(key))}")


def _print_recovery(recovery: dict[str, Any]) -> None:
    if recovery["told"]:
        print_line(f"Recovery: {printable(recovery['told'])}")
    for cost in recovery["history"]:
        print_line(f"{printable(cost['happened'])} {printable(cost['told'])}")


def run_map(arguments: argparse.Namespace) -> int:
    """The layer map."""
    state = read_running(find_folders().state)
    if state is None or not state["map"]:
        return _nothing(arguments, {"matches": None, "planned": {}, "actual": {}})
    layer_map = state["map"]
    if arguments.json:
        print_json(layer_map)
    else:
        last = max(int(layer) for layer in layer_map["planned"])
        rows = [
            (
                "output" if int(layer) == last else layer,
                planned or "–",
                layer_map["actual"][layer] or "not reported",
                "" if planned == layer_map["actual"][layer] else "differs",
            )
            for layer, planned in layer_map["planned"].items()
        ]
        print_table(("layer", "planned", "actual", ""), rows, right=("layer",))
        print_line("actual = planned, read from llama-server" if layer_map["matches"] else "actual is NOT as planned")
    return exit_codes.OK if layer_map["matches"] else exit_codes.MAP_DIFFERS


def run_down(arguments: argparse.Namespace) -> int:
    """Stop it and wait until it is gone."""
    folder = find_folders().state
    asked = read_running(folder) or {}
    if not ask_to_stop(folder):
        return _nothing(arguments, {"stopped": False})
    ends = time.monotonic() + DOWN_SECONDS
    while is_running(folder) and _pid(folder, asked) == asked.get("pid"):  # a second window may be seen now
        if time.monotonic() > ends:
            complain(f"It has not ended within {DOWN_SECONDS:.0f} s.", "See crossplyctl status.")
            return exit_codes.FAILED
        time.sleep(0.1)
    if arguments.json:
        print_json({"stopped": True})
    else:
        say("Stopped.")
    return exit_codes.OK


def _pid(folder: Path, before: dict[str, Any]) -> object:
    """Of the one that runs; the same as before where it has not said so yet."""
    return (read_running(folder) or before).get("pid")


def _nothing(arguments: argparse.Namespace, document: dict[str, Any]) -> int:
    if arguments.json:
        print_json(document)
    else:
        say("No cluster of yours is running.")
    return exit_codes.NOT_RUNNING
