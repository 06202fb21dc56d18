"""``crossplyctl machine``: give a remote machine our llama.cpp, stop what was left running there, delete what we put there."""

from __future__ import annotations

import argparse
from dataclasses import replace

from engine.cli.terminal import exit_codes
from engine.cli.terminal.foreground import Foreground
from engine.cli.terminal.gather import LOOKED_AT, Gathering, gathered, looking_foreground, why_not
from engine.cli.terminal.machine_options import add_machines
from engine.cli.terminal.options import add_runtime, choices_of
from engine.cli.terminal.output import complain, print_line, printable
from engine.open_session import real_outside
from engine.run_files.run_file import is_running
from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.settings.folders import find_folders
from engine.settings.ssh_target import parse_target
from engine.vocabulary.remote import RemotePhase, SshTarget

_ENDS = LOOKED_AT | {RemotePhase.REFUSED, RemotePhase.UNREACHABLE}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command with its actions."""
    parser = subparsers.add_parser("machine", help="copy llama.cpp to a machine, stop or delete what Crossply left there")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, run, text in (
        ("copy-runtime", run_copy, "copy this machine's llama.cpp there, if it has none that fits"),
        ("build", run_build, "build llama.cpp from source there, with its GPU compiler if it has one"),
        ("stop", run_stop, "stop the workers that were left running there"),
        ("remove", run_remove, "stop what was left running there, and delete all that Crossply put there"),
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


def run_build(arguments: argparse.Namespace) -> int:
    """Build there, whatever it has."""
    target = parse_target(arguments.target)
    with looking_foreground(real_outside(), replace(choices_of(arguments), targets=(target,))) as foreground:
        foreground.wait_until_planned()
        before = _find(gathered(foreground, arguments, enough=LOOKED_AT), target) or RemoteSeen(target=target)
        foreground.session.remotes.build_runtime(before.id)
        state = foreground.wait_for(lambda state: _was_given(before, _find(state, target)), f"Building on {target.text}")
        seen = _find(state, target) or before
        if seen.problem is not None or seen.phase is not RemotePhase.READY:
            raise why_not(seen, state, copying=True)
        print_line(f"{target.text} has llama.cpp of our commit: {printable(_usable_folder(state, target) or '')}")
    return exit_codes.OK


def run_stop(arguments: argparse.Namespace) -> int:
    """Stop what ``up --keep-running`` left."""
    target = parse_target(arguments.target)
    with looking_foreground(real_outside(), replace(choices_of(arguments), targets=(target,))) as foreground:
        foreground.wait_until_looked()
        before = gathered(foreground, arguments, enough=LOOKED_AT)
        n_kept, n_problems = _n_kept(before, target), len(before.problems)
        if n_kept:
            foreground.session.remotes.stop_kept(target.machine_id)
            state = foreground.wait_for(
                lambda state: _n_kept(state, target) == 0 or len(state.problems) > n_problems,
                f"Stopping what runs on {target.text}",
            )
            if _n_kept(state, target):
                foreground.tell_problems(state)
                return exit_codes.FAILED
    print_line(f"{n_kept} workers were stopped on {target.text}." if n_kept else f"Nothing was left running on {target.text}.")
    return exit_codes.OK


def _n_kept(state: ClusterState, target: SshTarget) -> int:
    seen = _find(state, target)
    return len(seen.look.kept) if seen and seen.look else 0


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


def _was_given(before: RemoteSeen, seen: RemoteSeen | None) -> bool:
    """Whether it was looked at again, or it is said what went wrong."""
    if seen is None:
        return True
    return seen.phase in _ENDS and (seen.look is not before.look or seen.problem is not before.problem)


def _usable_folder(state: ClusterState, target: SshTarget) -> str | None:
    seen = _find(state, target)
    return seen.look.usable.runtime.folder if seen and seen.look and seen.look.usable else None


def _find(state: ClusterState, target: SshTarget) -> RemoteSeen | None:
    return next((seen for seen in state.remotes if seen.target == target), None)
