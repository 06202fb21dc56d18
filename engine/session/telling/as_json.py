"""States as JSON with stable keys: what ``crossplyctl ... --json`` prints and what the run file holds. Pure.

The keys are a promise (documented in ``crossplyctl --help``); they are renamed in no release without saying so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.cluster.servers import COORDINATOR
from engine.llama_cpp.command_lines import shell_line
from engine.session.recovering.as_json import recovery_json
from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState, CommandShown, ProcessSeen, RunSeen
from engine.vocabulary.machine import Machine
from engine.vocabulary.plan import Plan, PlannedWorker, PlanRefused, PredictedThroughput
from engine.vocabulary.remote import TunnelSpec
from engine.vocabulary.running.fault import Fault
from engine.vocabulary.running.layer_map import LayerMap
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.running.throughput import RequestTimings

Json = dict[str, Any]


def plan_json(result: Plan | PlanRefused, commands: Sequence[CommandShown] = ()) -> Json:
    """A plan, or why there is none. The same keys in both cases."""
    if isinstance(result, PlanRefused):
        return {
            "policy": result.policy.value,
            "layout": result.layout.value,
            "n_layers": None,
            "workers": [],
            "tensor_split": [],
            "device_order": [],
            "predicted": _predicted(PredictedThroughput()),
            "refused": list(result.reasons),
            "commands": [],
            "notes": [],
        }
    return {
        "policy": result.policy.value,
        "layout": result.layout.value,
        "n_layers": result.model.n_layers,
        "workers": [_worker(worker) for worker in result.workers],
        "tensor_split": list(result.tensor_split),
        "device_order": [worker.id for worker in result.used_workers],
        "predicted": _predicted(result.predicted),
        "refused": None,
        "commands": [_command(command) for command in commands],
        "notes": list(result.notes),
    }


def _worker(worker: PlannedWorker) -> Json:
    first, last = worker.first_layer, worker.last_layer
    return {
        "id": worker.id,
        "machine": worker.offer.machine_name,
        "device": worker.offer.device_name,
        "kind": worker.kind.value,
        "endpoint": worker.offer.endpoint or None,
        "exposure": worker.offer.exposure.value,
        "layers": None if first is None else [first, last],
        "n_layers": worker.n_layers,
        "holds_output": worker.holds_output,
        "weights_bytes": worker.weights_bytes,
        "kv_bytes": worker.kv_bytes,
        "compute_bytes": worker.compute_bytes,
        "safe_bytes": worker.offer.safe_bytes,
    }


def _predicted(predicted: PredictedThroughput) -> Json:
    return {
        "decode_tokens_per_second": predicted.decode_tokens_per_second,
        "prefill_tokens_per_second": predicted.prefill_tokens_per_second,
        "basis": predicted.basis,
    }


def _command(command: CommandShown) -> Json:
    return {"title": command.title, "machine": command.machine_name, "argv": list(command.argv), "shell": command.shell}


def map_json(layer_map: LayerMap) -> Json:
    """Planned and actual, layer by layer; the last row is the output layer."""
    return {
        "matches": layer_map.matches,
        "complete": layer_map.complete,
        "planned": {str(place.layer): place.planned for place in layer_map.places},
        "actual": {str(place.layer): place.actual for place in layer_map.places},
        "differences": [place.layer for place in layer_map.differences],
    }


def timings_json(timings: RequestTimings | None) -> Json | None:
    """llama-server's own timings of one request."""
    if timings is None:
        return None
    return {
        "prompt_tokens": timings.prompt_tokens,
        "decoded_tokens": timings.decoded_tokens,
        "decode_tokens_per_second": timings.decode_tokens_per_second,
        "prefill_tokens_per_second": timings.prefill_tokens_per_second,
    }


def state_json(state: ClusterState) -> Json:
    """A running cluster: ``crossplyctl status --json``."""
    run = state.run
    runtime = run.runtime if run and run.runtime else state.runtime
    return {
        "phase": state.run_phase.value,
        "api_url": run.api_url if run else None,
        "api_network_url": state.api.network_url if run and state.api else None,
        "model": run.plan.model.path if run else None,
        "runtime": runtime.label if runtime else None,
        "machines": [_remote(remote) for remote in state.remotes],
        "processes": [_process(process, run) for process in state.processes],
        "tunnels": [_tunnel(tunnel, run) for tunnel in run.tunnels] if run else [],
        "plan": plan_json(run.plan, _commands_of_run(state)) if run else None,
        "map": map_json(run.layer_map) if run else None,
        "pipelined": run.pipelined if run else None,
        "load_fraction": run.load.fraction if run and run.load else None,
        "buffers": _buffers(run),
        "measured": timings_json(run.benchmark) if run else None,
        "ready_after_seconds": run.ready_after_seconds if run else None,
        "problems": [_problem(problem) for problem in state.problems],
        "recovery": recovery_json(state),
    }


def _commands_of_run(state: ClusterState) -> tuple[CommandShown, ...]:
    """As its processes were started: the state's own commands are of the plan that is chosen, which may be another by now, and
    of the ports that were planned."""
    return tuple(
        CommandShown(
            title=process.title,
            machine_name=process.machine_name,
            argv=process.argv,
            shell=shell_line(process.argv, ignore_sigpipe=bool(process.worker_ids) and process.id != COORDINATOR),
        )
        for process in state.processes
    )


def _remote(remote: RemoteSeen) -> Json:
    return {
        "name": remote.name,
        "ssh": remote.target.text,
        "phase": remote.phase.value,
        "problem": remote.problem.happened if remote.problem else None,
    }


def _tunnel(tunnel: TunnelSpec, run: RunSeen) -> Json:
    forwards = [{"local_port": forward.local_port, "remote_port": forward.remote_port} for forward in tunnel.forwards]
    return {
        "machine": tunnel.machine_name,
        "forwards": forwards,
        "sent_bytes": dict(run.sent).get(tunnel.machine_id),
        "sent_bytes_when_ready": dict(run.sent_when_ready).get(tunnel.machine_id),
    }


def _process(process: ProcessSeen, run: RunSeen | None) -> Json:
    """``exposure`` is said of rpc-servers only."""
    exposures = {server.endpoint: server.exposure.value for server in run.servers} if run else {}
    return {
        "id": process.id,
        "title": process.title,
        "phase": process.phase.value,
        "pid": process.pid,
        "endpoint": process.endpoint,
        "machine": process.machine_name,
        "exposure": exposures.get(process.endpoint or ""),
        "workers": list(process.worker_ids),
        "outcome": process.outcome.in_words if process.outcome else None,
    }


def _buffers(run: RunSeen | None) -> list[Json]:
    if run is None:
        return []
    return [
        {
            "worker": buffer.worker_id,
            "weights_bytes": buffer.weights_bytes,
            "mapped_bytes": buffer.mapped_bytes,
            "kv_bytes": buffer.kv_bytes,
            "compute_bytes": buffer.compute_bytes,
        }
        for buffer in run.buffers
    ]


def _problem(problem: Problem) -> Json:
    return {
        "kind": problem.kind.value,
        "where": problem.where,
        "happened": problem.happened,
        "advice": problem.advice,
        "fault": _fault(problem.fault),
    }


def _fault(fault: Fault | None) -> Json | None:
    if fault is None:
        return None
    return {
        "cause": fault.cause.value,
        "machine": fault.machine_id,
        "workers": list(fault.worker_ids),
        "needs_bytes": fault.needs_bytes,
    }


def machine_json(machine: Machine) -> Json:
    """What was found on a machine: ``crossplyctl node --json`` adds the workers and the commands."""
    cpu = machine.cpu
    return {
        "name": machine.name,
        "os": machine.os_name,
        "architecture": machine.architecture,
        "cpu": {
            "name": cpu.name,
            "physical_cores": cpu.physical_cores,
            "logical_cores": cpu.logical_cores,
            "ram_total_bytes": cpu.ram_total_bytes,
            "ram_available_bytes": cpu.ram_available_bytes,
            "instruction_sets": list(cpu.instruction_sets),
        },
        "gpus": [
            {
                "name": gpu.name,
                "vendor": gpu.vendor.value,
                "device": gpu.friendly_name,
                "runtime_device": gpu.runtime_name,
                "memory_total_bytes": gpu.memory_total_bytes,
                "memory_free_bytes": gpu.memory_free_bytes,
                "why_not_usable": gpu.why_no_runtime_name or gpu.why_no_memory,
                "software": gpu.software,
            }
            for gpu in machine.gpus
        ],
        "why_no_gpu": machine.why_no_gpu,
    }
