"""``crossplyctl find``: the machines of the local networks, and what already listens on them. Nobody is logged in to."""

from __future__ import annotations

import argparse
import time

from rich.progress import BarColumn, Progress, TimeElapsedColumn

from engine.cli.terminal import exit_codes
from engine.cli.terminal.options import add_json, positive
from engine.cli.terminal.output import PlainColumn, gigabytes, print_json, print_line, print_table, say, stderr_console
from engine.errors import Cancelled
from engine.open_session import real_outside
from engine.remote_ports import MachineFinder
from engine.session.jobs import Token
from engine.vocabulary.found import FoundMachine, FoundRpcServer

USUAL_SECONDS = 20
USUAL_SECONDS_WIDE = 900
HOW_TO_ADD = "Add one with: crossplyctl up --machine USER@HOST (HOST as under 'ssh'; nothing is changed on it before you do)"


class Deadline(Token):
    """Cancelled when the time is over."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._ends = time.monotonic() + seconds

    def check(self) -> None:
        """Raise ``Cancelled`` when the time is over."""
        if time.monotonic() >= self._ends:
            self.cancel()
        super().check()

    def wait(self, seconds: float) -> None:
        """Sleep, at most until the time is over."""
        super().wait(min(seconds, max(0.0, self._ends - time.monotonic())))
        self.check()


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("find", help="machines of your networks and of your ssh files, and what listens on them")
    parser.add_argument("--wide", action="store_true", help="sweep networks larger than a /24 too (a /16 takes 5 minutes)")
    parser.add_argument("--seconds", type=positive, metavar="N", help="show what was found after N seconds (20; wide 900)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Search and print."""
    seconds = arguments.seconds or (USUAL_SECONDS_WIDE if arguments.wide else USUAL_SECONDS)
    found, ended = _search(real_outside().network, wide=arguments.wide, seconds=seconds)
    if not ended:
        say(f"The search was ended after {seconds} seconds; this is what was found until then.")
    if arguments.json:
        print_json([_json(machine) for machine in found])
    else:
        _print(found)
    return exit_codes.OK


def _search(finder: MachineFinder, *, wide: bool, seconds: float) -> tuple[tuple[FoundMachine, ...], bool]:
    """What was found, and whether the search came to its end in time."""
    found: tuple[FoundMachine, ...] = ()
    console = stderr_console()
    columns = (PlainColumn("Searching: "), BarColumn(bar_width=30), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def on_found(machines: tuple[FoundMachine, ...]) -> None:
            nonlocal found
            found = machines

        def progress(fraction: float | None, detail: str) -> None:
            bar.update(task, description=detail, completed=fraction)

        try:
            finder.find(on_found, wide=wide, progress=progress, token=Deadline(seconds))
        except Cancelled:
            return found, False
    return found, True


def _json(machine: FoundMachine) -> dict[str, object]:
    return {
        "name": machine.name,
        "addresses": list(machine.addresses),
        "found_by": [way.value for way in machine.ways],
        "ssh": machine.target.text if machine.target else None,
        "host_key": machine.host_key_fingerprint,
        "this_machine": machine.this_machine,
        "rpc_servers": [
            {
                "endpoint": _endpoint(server),
                "state": server.state,
                "protocol": str(server.protocol) if server.protocol else None,
                "devices": [{"free_bytes": free, "total_bytes": total} for free, total in server.device_memory],
            }
            for server in machine.rpc_servers
        ],
        "ollama_url": machine.ollama_url,
    }


def _print(found: tuple[FoundMachine, ...]) -> None:
    if not found:
        print_line("No machine was found. Name one yourself: crossplyctl up --machine USER@HOST")
        return
    columns = ("machine", "addresses", "found by", "ssh", "already there")
    print_table(columns, [_row(machine) for machine in found])
    if any(machine.ollama_url for machine in found):
        print_line("An Ollama cannot be a worker (it speaks no RPC); its model files can be used on its machine.")
    print_line(HOW_TO_ADD)


def _row(machine: FoundMachine) -> tuple[str, ...]:
    there = [_in_words(server) for server in machine.rpc_servers]
    if machine.ollama_url:
        there.append(f"Ollama at {machine.ollama_url}")
    return (
        f"{machine.name} (this machine)" if machine.this_machine else machine.name,
        "\n".join(machine.addresses) or "unknown from here",
        "\n".join(way.value for way in machine.ways),
        machine.target.text if machine.target else "does not answer",
        "\n".join(there),
    )


def _in_words(server: FoundRpcServer) -> str:
    """``:50052 idle rpc-server, RPC 6.0.0, 2 devices, 20.0 GB free of 24.0 GB``."""
    if server.protocol is None:
        words = {"busy": "rpc-server in use", "other": "another program"}
        return f":{server.port} {words.get(server.state, server.state)}"
    n_devices = len(server.device_memory)
    free = gigabytes(sum(free for free, _total in server.device_memory))
    total = gigabytes(sum(total for _free, total in server.device_memory))
    devices = "1 device" if n_devices == 1 else f"{n_devices} devices"
    return f":{server.port} {server.state} rpc-server, RPC {server.protocol}, {devices}, {free} free of {total}"


def _endpoint(server: FoundRpcServer) -> str:
    host = f"[{server.address}]" if ":" in server.address else server.address
    return f"{host}:{server.port}"
