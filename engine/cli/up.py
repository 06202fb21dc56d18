"""``crossplyctl up``: start the workers and the coordinator, prove the layer map, serve until told to stop."""

from __future__ import annotations

import argparse

from engine.cli.plan import print_plan
from engine.cli.terminal import exit_codes
from engine.cli.terminal.foreground import Foreground, in_foreground, plan_or_refusal
from engine.cli.terminal.gather import gathered
from engine.cli.terminal.machine_options import add_copying, add_machines
from engine.cli.terminal.options import add_json, add_planning, add_recovery, choices_of, port, waiting_seconds
from engine.cli.terminal.output import complain, print_json, print_line, rate, say
from engine.open_session import open_session
from engine.run_files.run_file import is_running
from engine.session.reducing.planned.measured_before import is_same_run
from engine.session.state import ClusterState
from engine.session.telling.as_json import state_json
from engine.settings.api_key_file import ApiKeyFile
from engine.settings.folders import find_folders
from engine.settings.network_address import checked_network_address
from engine.vocabulary.plan import Plan, PlanRefused


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("up", help="start everything and serve, in the foreground, until Ctrl-C")
    parser.add_argument("model", metavar="MODEL", help="a GGUF file")
    parser.add_argument("--port", type=port, help="port of the OpenAI-compatible API (8080, or the next free one)")
    parser.add_argument(
        "--api-host",
        metavar="ADDRESS",
        help="an address of this machine on which others may reach the API too, with its API key; without it nobody can",
    )
    parser.add_argument(
        "--api-wait",
        type=waiting_seconds,
        metavar="SECONDS",
        help="how long a request may wait while the model loads or comes back, before it is told to try again (60)",
    )
    parser.add_argument("--keep-running", action="store_true", help="leave workers on remote machines running at the end")
    add_recovery(parser)
    parser.add_argument("--calibrate", action="store_true", help="measure workers that were not measured yet, first")
    add_machines(parser)
    parser.add_argument("--cluster", dest="targets_from", metavar="FILE", help="the machines of a TOML file too, by address")
    add_copying(parser)
    add_planning(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if is_running(find_folders().state):
        complain("A cluster of yours is running already.", "See it with crossplyctl status, stop it with crossplyctl down.")
        return exit_codes.FAILED
    address = None if arguments.api_host is None else network_address(arguments.api_host)
    with in_foreground(
        open_session(choices_of(arguments), network_address=address, wait_seconds=arguments.api_wait)
    ) as foreground:
        foreground.wait_until_planned()
        state = gathered(foreground, arguments)
        if arguments.calibrate:
            state = calibrated(foreground)
        print_plan_on(state, as_json=arguments.json)
        shown, state = state.plan, foreground.launch()
        if arguments.json:
            print_json(state_json(state))
        else:
            print_other_plan(shown, state)
            print_run(state)
        say("Ctrl-C stops everything" + (" but the workers on remote machines." if _keeps(state) else "."))
        foreground.stay()
        if not _keeps(state):  # else closing stops what shall not stay
            foreground.stop()
            say("Everything is stopped.")
        return exit_codes.OK if map_is_as_planned(state) else exit_codes.MAP_DIFFERS


def network_address(given: str) -> str:
    """The address to open, once the key is there and what it means was said. Raises ``BadInput``."""
    address = checked_network_address(given)
    keys = ApiKeyFile(find_folders().state)
    say(f"The API will be open on {address}: whoever reaches that address and knows the API key can use the model.")
    say("The key and what is asked go over the network unencrypted: open it only in a network you trust.")
    if keys.load() is None:
        say(f"API key, shown this once: {keys.make()}")
    say(f"The key is in {keys.path}, which only you can read. Delete the file to have another one made.")
    return address


def _keeps(state: ClusterState) -> bool:
    return any(process.keeps_running for process in state.processes)


def calibrated(foreground: Foreground) -> ClusterState:
    """Measure what has no speed yet and wait for it."""
    # Not "until no activity is seen": one that fails at once is over before the first look.
    before = foreground.session.snapshot().n_activities_ended
    foreground.session.calibrate()
    return foreground.wait_for(lambda state: state.n_activities_ended > before, "Measuring the workers")


def print_plan_on(state: ClusterState, *, as_json: bool) -> None:
    """The plan, unless stdout belongs to a JSON document."""
    plan = plan_or_refusal(state)
    if not as_json:
        print_plan(plan)
        print_line()


def print_other_plan(shown: Plan | PlanRefused | None, state: ClusterState) -> None:
    """The plan that runs, where it is not the one that was shown: speeds, links and what ran before are looked up while one
    is shown already, and a start that broke is made again with what is left."""
    if shown is None or state.run is None or is_same_run(shown, state.run.plan):
        return
    print_line("What became known meanwhile gave another plan, and this is the one that runs:")
    print_plan(state.run.plan)
    print_line()


def print_run(state: ClusterState) -> None:
    """What runs: address, layer map verdict, predicted beside measured."""
    run = state.run
    if run is None:
        return
    verdict = (
        "every layer is where the plan says, read from llama-server" if run.layer_map.matches else "DIFFERS from the plan"
    )
    print_line(f"Layer map: {verdict}.")
    pipelined = {True: "on", False: "off", None: "not reported"}[run.pipelined]
    print_line(f"Prefill overlap (pipeline): {pipelined}.")
    predicted, measured = run.plan.predicted, run.benchmark
    print_line(
        f"Decode:  predicted {rate(predicted.decode_tokens_per_second)}, "
        f"measured {rate(measured.decode_tokens_per_second if measured else None)}"
    )
    print_line(
        f"Prefill: predicted {rate(predicted.prefill_tokens_per_second)}, "
        f"measured {rate(measured.prefill_tokens_per_second if measured else None)}"
    )
    network = state.api.network_url if state.api else None
    others = f"and, with the API key, at {network}" if network else "this machine only"
    print_line(f"Serving {run.plan.model.name} at {run.api_url} (OpenAI-compatible, {others}).")


def map_is_as_planned(state: ClusterState) -> bool:
    """Whether llama.cpp did what the plan said."""
    return state.run is not None and state.run.layer_map.matches
