"""One look at a remote machine: one round trip, 25 s at most."""

from __future__ import annotations

from engine.machines.remote_probe.launch_script import run_program
from engine.machines.remote_probe.sent.parse_probe import parse_probe
from engine.machines.remote_probe.sent.probe_answer import ProbeAnswer
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell

LOOK_SECONDS = 25.0
"""The program itself ends after 15 s (20 s without Python); the rest is for a slow machine and a slow network."""


def look(shell: RemoteShell, token: CancelToken) -> ProbeAnswer:
    """Everything it tells about itself. Raises ``ProbeFailed``, ``MachineUnreachable``, ``Cancelled``."""
    return parse_probe(run_program(shell, "look", (), timeout_seconds=LOOK_SECONDS, token=token), shell.target)
