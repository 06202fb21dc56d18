"""``crossplyctl machine``: give a remote machine our llama.cpp, or delete what Crossply put there."""

from __future__ import annotations

import argparse
from dataclasses import replace

from engine.cli.terminal import exit_codes
from engine.cli.terminal.foreground import Foreground
from engine.cli.terminal.gather import LOOKED_AT, Gathering, gathered, looking_foreground
from engine.cli.terminal.machine_options import add_machines
from engine.cli.terminal.options import add_runtime, choices_of
from engine.cli.terminal.output import complain, print_line, printable
from engine.open_session import real_outside
from engine.run_files.run_file import is_running
from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.settings.folders import find_folders
from engine.settings.ssh_target import parse_target
from engine.vocabulary.remote import SshTarget


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command with its two actions."""
    parser = subparsers.add_parser("machine", help="copy llama.cpp to a machine, or delete what Crossply put there")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, run, text in (
        ("copy-runtime", run_copy, "copy this machine's llama.cpp there, if it has none that fits"),
        ("remove", run_remove, "delete all that Crossply put there"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("target", metavar="USER@HOST[:PORT]")
        add_machines(action, named=False)
        add_runtime(action)
        action.set_defaults(run=run)


def run_copy(arguments: argparse.Namespace) -> int:
    """Copy, if it is needed."""
    target = parse_target(arguments.target)
    with looking_foreground(real_outside(), replace(choices_of(arguments), targets=(target,))) as foreground:
        foreground.wait_until_planned()
        had = _usable_folder(gathered(foreground, arguments, enough=LOOKED_AT), target)
        if had is not None:
            print_line(f"{target.text} has a llama.cpp that may work with ours already: {printable(had)}")
            return exit_codes.OK
        copying = Gathering(foreground, wait_seconds=arguments.wait_seconds, copy_runtime=True)
        print_line(f"{target.text} has our llama.cpp now: {printable(_usable_folder(copying.run(), target) or '')}")
    return exit_codes.OK


def run_remove(arguments: argparse.Namespace) -> int:
    """Delete what we put there, and say whether that worked."""
    target = parse_target(arguments.target)
    if is_running(find_folders().state):
        complain("A cluster of yours is running, and may use that machine.", "Stop it first, with crossplyctl down.")
        return exit_codes.FAILED
    with looking_foreground(real_outside(), replace(choices_of(arguments), targets=(target,))) as foreground:
        foreground.wait_until_looked()
        gathered(foreground, arguments, enough=LOOKED_AT)
        if not _removed(foreground, target):
            return exit_codes.FAILED
    print_line(f"Nothing of Crossply is left on {target.text}.")
    return exit_codes.OK


def _removed(foreground: Foreground, target: SshTarget) -> bool:
    before = len(foreground.session.snapshot().problems)
    foreground.session.remove_machine(target, clean=True)
    state = foreground.wait_for(lambda state: _find(state, target) is None, f"Deleting on {target.text}")
    foreground.tell_problems(state)
    return len(state.problems) == before


def _usable_folder(state: ClusterState, target: SshTarget) -> str | None:
    seen = _find(state, target)
    return seen.look.usable.runtime.folder if seen and seen.look and seen.look.usable else None


def _find(state: ClusterState, target: SshTarget) -> RemoteSeen | None:
    return next((seen for seen in state.remotes if seen.target == target), None)
