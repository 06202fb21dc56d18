"""How far the launch is on each machine: its workers, its tunnel, what it is to be sent. Shown on the machine's own card.

llama.cpp tells the bytes of a load only for the whole model. Of a machine behind a tunnel the tunnel tells what went there,
and the measured link how long the rest takes at most: weights that are in its cache are not sent again.
Rejected: a row per machine above the page (eight machines would push everything else out of it).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.cluster.servers import tunnel_process_id
from engine.session.state import ClusterState, RunPhase, RunSeen
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.process import ProcessPhase
from gui.texts.translation import tr
from gui.what_to_show.cards.machine_card_content import CardProgress
from gui.what_to_show.formatting import bytes_of_bytes_text, bytes_text, count_text, duration_text


def launch_progress_of(state: ClusterState, machine_id: str) -> CardProgress | None:
    """``None`` when nothing is being launched there, or on one machine alone (the window's own line says enough)."""
    run = state.run
    if run is None or len({server.machine_id for server in run.servers}) < 2:
        return None
    if machine_id not in {server.machine_id for server in run.servers}:
        return None
    if state.run_phase is RunPhase.STARTING_WORKERS:
        return _starting(state, run, machine_id)
    return _loading(state, run, MachineId(machine_id)) if state.run_phase is RunPhase.LOADING_MODEL else None


def _starting(state: ClusterState, run: RunSeen, machine_id: str) -> CardProgress:
    phases = {process.id: process.phase for process in state.processes}
    wanted = {worker for server in run.servers if server.machine_id == machine_id for worker in server.worker_ids}
    ready = {
        worker for process in state.processes if process.phase is ProcessPhase.READY for worker in process.worker_ids
    } & wanted
    tunnels = [phases.get(tunnel_process_id(tunnel)) for tunnel in run.tunnels if tunnel.machine_id == machine_id]
    words = [tr("{ready} of {workers} ready", ready=len(ready), workers=count_text(len(wanted), "worker"))]
    words += [tr("tunnel open") if phase is ProcessPhase.READY else tr("tunnel opening") for phase in tunnels]
    done = len(ready) + sum(phase is ProcessPhase.READY for phase in tunnels)
    return CardProgress(title=tr("Starting"), detail=" · ".join(words), fraction=done / (len(wanted) + len(tunnels)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOfMachine:
    """How much of a machine's weights went to it."""

    sent_bytes: int | None
    """``None`` = no tunnel tells."""
    size_bytes: int
    seconds_left: float | None
    """At most, over its network; ``None`` = its link was not measured."""


def load_of_machine(state: ClusterState, run: RunSeen, machine_id: MachineId) -> LoadOfMachine:
    """Bytes as planned and as the tunnel counts them; what is left, over the link as measured (bytes / bytes per second)."""
    size = sum(worker.weights_bytes for worker in run.plan.used_workers if worker.offer.machine_id == machine_id)
    sent = dict(run.sent).get(machine_id)
    link = next((remote.link for remote in state.remotes if remote.id == machine_id), None)
    rate = None if link is None else link.bytes_per_second
    left = max(0, size - (sent or 0)) / rate if rate else None
    return LoadOfMachine(sent_bytes=sent, size_bytes=size, seconds_left=left)


def _loading(state: ClusterState, run: RunSeen, machine_id: MachineId) -> CardProgress:
    load = load_of_machine(state, run, machine_id)
    left = None if load.seconds_left is None else duration_text(load.seconds_left)
    if load.sent_bytes:
        sent = min(load.sent_bytes, load.size_bytes)
        detail = tr("{sent} sent", sent=bytes_of_bytes_text(sent, load.size_bytes))
        detail = tr("{sent} · up to {left} left", sent=detail, left=left) if left else detail
        return CardProgress(title=tr("Loading"), detail=detail, fraction=sent / load.size_bytes if load.size_bytes else None)
    size = bytes_text(load.size_bytes)
    detail = tr("{size} of weights belong here", size=size)
    if left:
        detail = tr(
            "{size} of weights belong here: up to {left} over its network, less when it has them already", size=size, left=left
        )
    return CardProgress(title=tr("Loading"), detail=detail, fraction=None if run.load is None else run.load.fraction)
