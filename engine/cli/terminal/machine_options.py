"""Options that name remote machines, and what may be done with them without asking."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from engine.cli.terminal.output import say
from engine.errors import BadClusterFile, BadInput
from engine.settings.cluster_files import cluster_file
from engine.settings.cluster_files.cluster_file import ClusterFile
from engine.settings.ssh_target import checked_target, parse_target
from engine.vocabulary.remote import SshTarget

WAIT_SECONDS = 20.0
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def add_machines(parser: argparse.ArgumentParser, *, named: bool = True) -> None:
    """``--machine`` (unless the command takes its machines otherwise) and what goes with it."""
    if named:
        parser.add_argument(
            "--machine",
            action="append",
            default=[],
            metavar="USER@HOST[:PORT]",
            help="a machine that is reached over ssh; repeatable",
        )
    parser.add_argument(
        "--accept-host-key",
        action="append",
        default=[],
        type=fingerprint,
        metavar="SHA256:...",
        help="take a host key that was never seen if it has exactly this fingerprint; repeatable",
    )
    parser.add_argument(
        "--wait-seconds",
        type=seconds,
        default=WAIT_SECONDS,
        metavar="N",
        help=f"how long to wait for machines that do not answer ({WAIT_SECONDS:.0f})",
    )


def add_copying(parser: argparse.ArgumentParser) -> None:
    """``--copy-runtime``."""
    parser.add_argument(
        "--copy-runtime", action="store_true", help="copy this machine's llama.cpp to machines that have none that fits"
    )


def targets_of(arguments: argparse.Namespace) -> tuple[SshTarget, ...]:
    """The machines that the command names, each once. Raises ``BadInput``."""
    named = [parse_target(text) for text in getattr(arguments, "machine", None) or ()]
    cluster = getattr(arguments, "targets_from", None)
    described = () if cluster is None else targets_of_file(Path(cluster))
    return tuple(dict.fromkeys((*named, *described)))


def read_cluster_file(path: Path) -> ClusterFile:
    """A cluster file. Raises ``BadClusterFile``."""
    try:
        return cluster_file.read_cluster_file(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadClusterFile(f"The cluster file {path} cannot be read: {error}.", advice="Name a TOML file.") from None


def targets_of_file(path: Path) -> tuple[SshTarget, ...]:
    """The machines of a cluster file that have an address. Its coordinator is this machine. Raises ``BadClusterFile``."""
    targets = []
    for machine in read_cluster_file(path).machine:
        if machine.coordinator:
            continue
        if machine.address is None:
            say(f"{machine.name} has no address in {path}, so it takes no part.")
            continue
        target = SshTarget(host=machine.address, user=machine.user, port=machine.port)
        try:
            targets.append(checked_target(target))
        except BadInput as error:
            raise BadClusterFile(f"{path}, machine {machine.name!r}: {error.happened}", advice=error.advice) from None
    if not targets:
        raise BadClusterFile(f"No machine in {path} has an address.", advice="Give address, and user where it differs.")
    return tuple(targets)


def fingerprint(text: str) -> str:
    """A fingerprint as ``ssh-keygen -l`` prints it, as an argparse type."""
    if _FINGERPRINT.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not a fingerprint as ssh-keygen -l prints it (SHA256:...)")
    return text


def seconds(text: str) -> float:
    """A time from 0 to a day, as an argparse type."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds")
    return value
